//! The shipped balancers and policies in made-up worlds: `cargo simulate`.
//!
//! Everything is seeded and the clock jumps, so the figures repeat on any machine, but for those that are times of this
//! machine and say so.

mod balancing;
mod chance;
mod document;
mod engine;
mod plot;
mod resilience;
mod server;
mod summary;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
Runs the shipped balancers and policies through published experiments, and writes tables and pictures into msa-core/docs.

usage: cargo simulate [balancing] [resilience] [--seeds N]

  balancing    which instance (docs/balancing.md)
  resilience   whether to call again, or at all (docs/resilience.md)
  --seeds N    how often each experiment is run (10)
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut seeds = 10;
    let mut parts = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--bench" => {} // cargo says so
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(());
            }
            "--seeds" => seeds = arguments.next().ok_or("--seeds needs a number")?.parse()?,
            "balancing" | "resilience" => parts.push(argument),
            other => return Err(format!("`{other}` is not known").into()),
        }
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wanted("balancing") {
        balancing::run(&docs, seeds)?;
    }
    if wanted("resilience") {
        resilience::run(&docs, seeds)?;
    }
    Ok(())
}
