//! Starts the five example services, places orders and shows each as a call tree of what every service logged; or, with
//! `--chaos`, strikes the services while orders are placed, and shows that none is lost.

mod args;
mod chaos;
mod orders;
mod report;
mod tree;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;

use msa_tests::{Cluster, Error, binaries, interrupt, interrupted};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use args::Args;
use report::Order;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(exit) => return exit.print(),
    };
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE, // the report has said why
        // The error is then only a child that was ended on purpose; 130 is what a shell reports for Ctrl-C.
        Err(_) if interrupted() => ExitCode::from(130),
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `false` when what was shown is not as it should be.
fn run(args: &Args) -> Result<bool, Error> {
    end_children_when_told()?;
    if binaries::stale()? {
        eprintln!("Building the five services (the first time takes a few minutes) ...");
    }
    if let Some(chaos) = &args.chaos {
        return chaos::run(chaos, args.json);
    }
    let mut cluster = Cluster::start()?;
    let placed = orders::place_all(&cluster)?;
    let mut explained = match placed.first() {
        Some(first) => Some(orders::explain(&mut cluster, first)?),
        None => None,
    };
    // A service writes its access line when an answer's last byte is out, so only an ended one has written them all.
    cluster.drain()?;
    let orders: Vec<Order> = placed
        .into_iter()
        .map(|placed| Order::new(placed, explained.take(), &cluster))
        .collect();
    show(args, &orders)?;
    Ok(true)
}

fn show(args: &Args, orders: &[Order]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = if args.json {
        serde_json::to_writer_pretty(&mut out, orders)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        let pretty = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        tree::print(&mut out, orders, pretty)
    };
    match written {
        // Whoever reads has seen enough: `cargo demo | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|source| Error::Io {
            what: "cannot write the report".to_owned(),
            source,
        }),
    }
}

/// A Ctrl-C, and what `kill` sends, must leave neither processes nor data behind.
fn end_children_when_told() -> Result<(), Error> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let mut signals = signals.map_err(|source| Error::Io {
        what: "cannot listen for signals".to_owned(),
        source,
    })?;
    thread::spawn(move || {
        for _ in &mut signals {
            interrupt();
        }
    });
    Ok(())
}
