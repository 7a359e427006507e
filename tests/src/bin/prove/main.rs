//! Puts the promises of reliability to the test: real processes, real sockets, hostile input. Prints its figures and ends
//! with 1 when an aim is missed.

mod endpoints;
mod fuzz;
mod hostile;
mod idle_close;
mod instance;
mod kill;
mod load;
mod options;
mod restarts;
mod serve;
mod start;

use std::process::ExitCode;

use options::{Options, UsageError};

type Error = Box<dyn std::error::Error + Send + Sync>;

const HELP: &str = "\
Puts msa's promises of reliability to the test. Prints its figures, and ends with 1 when an aim is missed.

Usage: prove COMMAND [OPTIONS]

Commands:
  restarts      rolling restarts under load from ServiceClient; aim: no request lost
    --count N           restarts (100)
    --instances N       instances at a time (3)
    --workers N         callers in parallel (16)
    --discovery-lag D   from an event to the endpoints file (200ms)
    --drain-lag D       server.drain.lag (twice the discovery lag)
    --protocol P        http1, http2 or both (both)
  kill          an instance is killed (SIGKILL) under load, stays listed, and comes back; aim: no call fails, it soon draws no
                traffic, and its share again when it is back
    --count N           kills (1)
    --instances N       instances (3)
    --workers N         callers in parallel, of GETs (16)
    --down D            how long it is watched after it was set aside (5s)
    --ejection D        clients.items.outlier.base_ejection (msa's own: 30s)
    --interval D        clients.items.outlier.interval (10s)
    --slow-start D      clients.items.slow_start.window (10s)
  idle-close    POSTs timed at the end of idle connections; aim: none lost
    --posts N           POSTs (6400)
    --lanes N           callers in parallel, each with a pool of its own (64)
    --server-idle D     server.idle_timeout (750ms)
    --client-idle D     client.pool_idle_timeout (300ms)
    --spread D          how far around the end POSTs are sent (4ms)
    --defaults          msa's own defaults: 75s and 30s, with 3200 lanes
    --contrast          also with a client that keeps connections longer than the server: must lose some
  hostile       SIGTERM while hostile connections are open; aim: exit 0 within lag + deadline + margin, naming what was cut
    --connections N     HTTP/1 connections: silent, half a head, slow body, a third each (100)
    --http2 N           HTTP/2 connections that confirm nothing (10)
    --admin N           connections to the management listener: silent, half a head, HTTP/2, a third each (9)
    --lag D             server.drain.lag (500ms)
    --deadline D        server.drain.deadline (1s)
    --margin D          what the end may take beyond lag and deadline (1s)
    --defaults          msa's own defaults: 5s and 20s
  fuzz-headers  random and mutated headers through the transaction's reader and writer; aim: no rule broken
    --count N           header sets (1000000)
    --seed N            where chance comes from (1)
    --first N           the first case (0), to repeat one
    --threads N         threads (one a core)
  fuzz-config   random and mutated TOML, variables and secrets through the loader; aim: no panic, no secret shown
    --count N           configurations (100000), and --seed, --first, --threads as above
  start PATH [ARGUMENT...]
                starts a service's binary again and again: start to ready, idle memory, size
    --count N           starts (21)
    --env NAME=VALUE    a variable of its environment; may be repeated; {dir} is a fresh folder
  serve         the service that the other commands start; takes msa's configuration

Durations are written 250ms.
";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => return misused(&error),
    };
    if options.wants_help() {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match options.command() {
        "serve" => serve::main(),
        "fuzz-headers" => verdict(fuzz::run::<fuzz::headers::Case>(options, 1_000_000)),
        "fuzz-config" => verdict(fuzz::run::<fuzz::config::Case>(options, 100_000)),
        "start" => verdict(start::run(options)),
        "restarts" => verdict(block_on(restarts::run(options))),
        "kill" => verdict(block_on(kill::run(options))),
        "idle-close" => verdict(block_on(idle_close::run(options))),
        "hostile" => verdict(block_on(hostile::run(options))),
        other => misused(&UsageError::command(other)),
    }
}

fn block_on(work: impl Future<Output = Result<bool, Error>>) -> Result<bool, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}

fn verdict(held: Result<bool, Error>) -> ExitCode {
    match held {
        Ok(true) => {
            println!("held");
            ExitCode::SUCCESS
        }
        Ok(false) => {
            println!("MISSED");
            ExitCode::FAILURE
        }
        Err(error) => match error.downcast_ref::<UsageError>() {
            Some(usage) => misused(usage),
            None => {
                eprintln!("prove: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn misused(error: &UsageError) -> ExitCode {
    eprintln!("prove: {error}\n\n{HELP}");
    ExitCode::from(64)
}
