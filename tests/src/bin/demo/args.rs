//! The command line.

use std::process::ExitCode;

const HELP: &str = "\
Starts the five example services on free loopback ports with temporary data, places
orders through them, and shows each order as the tree of calls that it took, with what
each service itself logged. Then drains all five and ends.

Usage: cargo demo [--json]
       cargo demo --chaos [--seconds N] [--rate N] [--json]

Options:
  --chaos      runs several instances of the services, and kills, stops and breaks them
               while orders are placed; then edits the settings of a function with
               all eight policy attributes while visitors look at pages; tells what
               the policies did, and ends by comparing the orders that were accepted
               with those that are stored
  --seconds N  how long orders are placed (10), from 5 to 3600
  --rate N     how many orders a second (20), from 1 to 200
  --json       one JSON document: an array of orders, each with its calls; with --chaos
               the course of events, their counts and the balance of orders
  -h, --help   this text

Exit code: 0; 1 when a service or an order fails, or, with --chaos, when an order was
lost or stored twice or an edited setting did not hold; 64 for a wrong option; 130 when it was interrupted (SIGINT,
SIGTERM or SIGHUP), after all services have been ended.

What a line of a tree shows: the branch (the k-th call of branch B is B.k), the LTXID
(the hop), the service, its route, the status it answered and the milliseconds it took.
";

/// What the user asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) json: bool,
    pub(crate) chaos: Option<Chaos>,
}

/// How long, and how many orders a second.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chaos {
    pub(crate) seconds: u32,
    pub(crate) rate: u32,
}

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Help,
    Wrong(String),
}

impl Args {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Exit> {
        let (mut json, mut chaos) = (false, false);
        let (mut seconds, mut rate) = (None, None);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => json = true,
                "--chaos" => chaos = true,
                "--seconds" => seconds = Some(number("--seconds", arguments.next(), 5, 3600)?),
                "--rate" => rate = Some(number("--rate", arguments.next(), 1, 200)?),
                "-h" | "--help" => return Err(Exit::Help),
                _ => return Err(Exit::Wrong(format!("unknown argument {argument:?}"))),
            }
        }
        if !chaos && (seconds.is_some() || rate.is_some()) {
            let wrong = "--seconds and --rate go with --chaos";
            return Err(Exit::Wrong(wrong.to_owned()));
        }
        Ok(Self {
            json,
            chaos: chaos.then(|| Chaos {
                seconds: seconds.unwrap_or(10),
                rate: rate.unwrap_or(20),
            }),
        })
    }
}

fn number(name: &str, value: Option<String>, least: u32, most: u32) -> Result<u32, Exit> {
    let number = value.and_then(|value| value.parse().ok());
    let number = number.filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| Exit::Wrong(format!("{name} needs a number from {least} to {most}")))
}

impl Exit {
    pub(crate) fn print(&self) -> ExitCode {
        match self {
            Self::Help => {
                print!("{HELP}");
                ExitCode::SUCCESS
            }
            Self::Wrong(wrong) => {
                eprintln!("demo: {wrong}\n\n{HELP}");
                ExitCode::from(64) // as the services: EX_USAGE of sysexits.h
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Exit> {
        Args::parse(line.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let json = Args {
            json: true,
            chaos: None,
        };
        assert_eq!(parse("--json"), Ok(json));
        assert_eq!(parse("--json -h"), Err(Exit::Help));
        let unknown = "unknown argument \"--jsno\"".to_owned();
        assert_eq!(parse("--jsno"), Err(Exit::Wrong(unknown)));
    }

    #[test]
    fn numbers_have_bounds_and_belong_to_chaos() {
        let chaos = |line| parse(line).map(|args| args.chaos);
        let asked = |seconds, rate| Ok(Some(Chaos { seconds, rate }));
        assert_eq!(chaos("--chaos"), asked(10, 20));
        assert_eq!(chaos("--rate 5 --chaos --seconds 30"), asked(30, 5));
        for wrong in [
            "--seconds 30",
            "--chaos --seconds",
            "--chaos --seconds 4",
            "--chaos --rate x",
            "--chaos --rate 201",
        ] {
            assert!(matches!(parse(wrong), Err(Exit::Wrong(_))), "{wrong}");
        }
    }
}
