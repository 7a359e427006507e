//! The whole `main` of a service.

use std::error::Error as StdError;
use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use super::Error;
use super::error::exit_code;
use crate::config::worker_threads;

/// tokio's own variable.
const WORKER_THREADS: &str = "TOKIO_WORKER_THREADS";

/// How long blocking work that nobody waits for may hold up the exit.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);

/// Runs a service's `main` on a multi-threaded runtime: an error is printed for people, and gives the exit code.
///
/// Exit codes after sysexits.h: 0 when it ended well, 78 for a wrong configuration, 64 for a wrong command line, else 1.
/// `runtime.worker_threads` sets the number of threads, and `TOKIO_WORKER_THREADS` has the last word; one a core by default, of those
/// that a container's CPU limit leaves. [`#[msa_core::main]`](macro@crate::main) writes this function's call.
///
/// ```no_run
/// use std::process::ExitCode;
/// use msa_core::prelude::*;
///
/// fn main() -> ExitCode {
///     msa_core::run(async {
///         let service = Service::from_env("hello")?;
///         service.routes(Router::new().route("/", get(async || "hello"))).run().await
///     })
/// }
/// ```
pub fn run<F, E>(main: F) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    if let Some(error) = wrong_worker_threads() {
        return failed(&error);
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all();
    if std::env::var_os(WORKER_THREADS).is_none()
        && let Some(threads) = worker_threads(std::env::args_os(), |name| std::env::var(name).ok())
    {
        builder.worker_threads(threads);
    }
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&*Box::<dyn StdError + Send + Sync>::from(error)),
    };
    let ended = runtime.block_on(main);
    runtime.shutdown_timeout(BLOCKING_GRACE);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error.into()),
    }
}

/// tokio reads the variable by itself, and panics on what it does not understand.
fn wrong_worker_threads() -> Option<Error> {
    let text = std::env::var_os(WORKER_THREADS)?;
    let threads = text.to_str().and_then(|text| text.parse::<usize>().ok());
    match threads {
        Some(1..) => None,
        _ => Some(Error::WorkerThreads(text.to_string_lossy().into_owned())),
    }
}

fn failed(error: &(dyn StdError + Send + Sync + 'static)) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        // A transparent error says the same again.
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(&format!("\n  because: {said}"));
        }
        cause = inner.source();
    }
    // Nobody may be reading it, and the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(exit_code(error))
}
