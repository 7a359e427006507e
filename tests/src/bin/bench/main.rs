//! What msa costs: the inbound stack beside bare axum, and a call through `ServiceClient` beside bare reqwest.
//!
//! `cargo run --release -p msa-tests --bin bench -- --help`

mod args;
mod call;
mod child;
mod instructions;
mod load;
mod serve;
mod sides;
mod soak;
mod throughput;

use std::error::Error;
use std::process::ExitCode;

use args::{Args, Mode};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How requests are spread: the same number on each side, so that the sides differ in nothing else.
const HELP: &str = "\
Measures what msa costs: its inbound stack beside bare axum, a call through ServiceClient beside bare reqwest.

usage: bench MODE [options]        build it with --release

  throughput    interleaved pairs in processes of their own, with the A/A (bare against bare) beside them
  soak          full load for --seconds while the collector of all spans is dead: requests, errors, memory, spans lost
  instructions  instructions per request, by callgrind: two runs of different length, their difference divided,
                so that start-up is not in it (needs valgrind)

  The processes that these start; each runs alone as well:
  serve-bare    axum::serve of GET /hello, on a free port of 127.0.0.1 that it names on standard error
  serve-msa     the same route in a Service: its accept loop, probes and the whole inbound stack
  upstream      a server that does next to nothing, for the clients to call
  collector     takes whatever is exported, and throws it away
  silent        a collector that takes connections and never answers
  serve-front ADDR    a service whose GET /hello calls that upstream
  load ADDR     GET /hello over keep-alive connections; prints the seconds that it took
  call-bare ADDR, call-msa ADDR    GET /hello by reqwest, and by a ServiceClient; prints the seconds

options
  --pairs N         throughput: pairs (15)
  --requests N      of one run (throughput: 160000; instructions: 6000; else 60000)
  --parallel N      connections, or calls at a time (16)
  --seconds N       soak: how long (600)
  --only WORD       only the comparisons whose name contains it
  --telemetry WORD  serve-msa, call-msa: off, quiet (metrics and journal), on (and a line a request: what a service does
                    unless told otherwise; the default here too), otlp-1, otlp-100 (and so many percent of traces)
  --collector ADDR  where those go
  --keep DIR        instructions: leave callgrind's files there, for callgrind_annotate

Every server and client has one worker thread. `serve-msa` takes the defaults but for addresses and the log,
which goes to /dev/null. Requests carry no transaction, so each one begins its own and an id is minted for it. For the
rows with OTLP build with `--features otlp`.
";

fn main() -> ExitCode {
    let done = Args::parse().and_then(run);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    match args.mode {
        Mode::Help => print!("{HELP}"),
        Mode::Throughput => throughput::run(&args)?,
        Mode::Instructions => instructions::run(&args)?,
        Mode::ServeBare => on_one_worker(serve::bare())?,
        Mode::ServeMsa => on_one_worker(serve::msa(args.telemetry, args.collector))?,
        Mode::Upstream => on_one_worker(load::upstream())?,
        Mode::Soak => soak::run(&args)?,
        Mode::Front => on_one_worker(soak::front(args.telemetry, args.collector, args.addr()?))?,
        Mode::Silent => on_one_worker(soak::silent())?,
        Mode::Collector => on_one_worker(load::collector())?,
        Mode::Load => on_one_worker(load::run(
            args.addr()?,
            args.requests_or(60_000),
            args.parallel,
        ))?,
        Mode::CallBare => on_one_worker(call::bare(
            args.addr()?,
            args.requests_or(60_000),
            args.parallel,
        ))?,
        Mode::CallMsa => on_one_worker(call::msa(
            (args.telemetry, args.collector),
            args.addr()?,
            args.requests_or(60_000),
            args.parallel,
        ))?,
    }
    Ok(())
}

/// The work runs on the worker itself: a service's `main` may stand on another thread, its requests do not.
fn on_one_worker(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::spawn(work).await? })
}
