//! The command line.

use std::process::ExitCode;

const HELP: &str = "\
Starts the five example services on free loopback ports with temporary data, places
orders through them, and shows each order as the tree of calls that it took, with what
each service itself logged. Then drains all five and ends.

Usage: cargo demo [--json]

Options:
  --json      one JSON document: an array of orders, each with its calls
  -h, --help  this text

Exit code: 0; 1 when a service or an order fails; 64 for a wrong option; 130 when it
was interrupted (SIGINT, SIGTERM or SIGHUP), after all five have been ended.

What a line of a tree shows: the branch (the k-th call of branch B is B.k), the LTXID
(the hop), the service, its route, the status it answered and the milliseconds it took.
";

/// What the user asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) json: bool,
}

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Help,
    Unknown(String),
}

impl Args {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Exit> {
        let mut args = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--json" => args.json = true,
                "-h" | "--help" => return Err(Exit::Help),
                _ => return Err(Exit::Unknown(argument)),
            }
        }
        Ok(args)
    }
}

impl Exit {
    pub(crate) fn print(&self) -> ExitCode {
        match self {
            Self::Help => {
                print!("{HELP}");
                ExitCode::SUCCESS
            }
            Self::Unknown(argument) => {
                eprintln!("demo: unknown argument {argument:?}\n\n{HELP}");
                ExitCode::from(64) // as the services: EX_USAGE of sysexits.h
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, Exit> {
        Args::parse(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn an_unknown_argument_is_named() {
        assert_eq!(parse(&["--json"]), Ok(Args { json: true }));
        assert_eq!(parse(&["--json", "-h"]), Err(Exit::Help));
        assert_eq!(parse(&["--jsno"]), Err(Exit::Unknown("--jsno".to_owned())));
    }
}
