//! The command line that every service has.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value, ValueExt as _};

/// A one-off job under the service's own configuration and logs, such as `migrate`.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

/// What the command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Run,
    Help,
    Version,
    CheckConfig,
    PrintConfig,
    PrintSchema,
}

/// What the command line says.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) ask: Ask,
    pub(super) job: Option<&'static str>,
    pub(super) dir: Option<PathBuf>,
    pub(super) profile: Option<String>,
}

/// The command line is not understood.
#[derive(Debug, thiserror::Error)]
#[error("{reason}\n\nTry --help.")]
#[non_exhaustive]
pub struct UsageError {
    reason: String,
}

pub(super) fn parse(
    args: impl IntoIterator<Item = OsString>,
    jobs: &[Job],
) -> Result<Line, UsageError> {
    let mut line = Line {
        ask: Ask::Run,
        job: None,
        dir: None,
        profile: None,
    };
    let mut parser = lexopt::Parser::from_iter(args);
    let usage = |error: lexopt::Error| UsageError {
        reason: error.to_string(),
    };
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            Short('h') | Long("help") => line.ask = Ask::Help,
            Short('V') | Long("version") => line.ask = Ask::Version,
            Long("check-config") => line.ask = Ask::CheckConfig,
            Long("print-config") => line.ask = Ask::PrintConfig,
            Long("print-schema") => line.ask = Ask::PrintSchema,
            Long("config-dir") => line.dir = Some(parser.value().map_err(usage)?.into()),
            Long("profile") => {
                line.profile = Some(
                    parser
                        .value()
                        .and_then(|value| value.string())
                        .map_err(usage)?,
                )
            }
            Value(word) if line.job.is_none() => {
                let known = jobs.iter().find(|job| word == job.name);
                line.job = Some(known.ok_or_else(|| unknown(&word, jobs))?.name);
            }
            other => return Err(usage(other.unexpected())),
        }
        if line.ask == Ask::Help {
            break;
        }
    }
    Ok(line)
}

fn unknown(word: &OsString, jobs: &[Job]) -> UsageError {
    let names: Vec<&str> = jobs.iter().map(|job| job.name).collect();
    let known = match names.as_slice() {
        [] => "this service has no commands".to_owned(),
        names => format!("its commands are: {}", names.join(", ")),
    };
    UsageError {
        reason: format!("unknown command `{}`; {known}", word.to_string_lossy()),
    }
}

pub(super) fn help(name: &str, about: Option<&str>, jobs: &[Job]) -> String {
    let mut text = format!("{name}\n");
    if let Some(about) = about {
        text.push_str(&format!("{about}\n"));
    }
    let command = if jobs.is_empty() { "" } else { " [COMMAND]" };
    text.push_str(&format!("\nUsage: {name} [OPTIONS]{command}\n"));
    if !jobs.is_empty() {
        text.push_str("\nWithout a command it serves until SIGTERM.\n\nCommands:\n");
        for job in jobs {
            text.push_str(&format!("  {:<18} {}\n", job.name, job.about));
        }
    }
    text.push_str(
        "
Options:
  --check-config     read the configuration, say `ok` or what is wrong with it, and exit (0 or 78)
  --print-config     print every effective value with its source, secrets as ***, and exit
  --print-schema     print the JSON Schema of all keys, and exit
  --config-dir DIR   where msa.toml lies (default: MSA_CONFIG_DIR, else the working folder)
  --profile NAME     read msa.NAME.toml too (default: MSA_PROFILE, else none)
  -V, --version      print the version and exit
  -h, --help         print this and exit

Configuration, the later wins: defaults, msa.toml, msa.<profile>.toml, files of MSA_SECRETS_DIR,
MSA_* variables with `__` between levels (MSA_SERVER__IDLE_TIMEOUT=75s). PORT sets the port, RUST_LOG the log level.
",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: [Job; 2] = [
        Job {
            name: "migrate",
            about: "",
        },
        Job {
            name: "seed",
            about: "",
        },
    ];

    fn line(args: &[&str]) -> Result<Line, UsageError> {
        parse(["svc"].iter().chain(args).map(OsString::from), &JOBS)
    }

    #[test]
    fn flags_and_one_command_are_understood() {
        assert_eq!(line(&[]).unwrap().ask, Ask::Run);
        assert_eq!(
            line(&["--check-config", "--profile=prod"])
                .unwrap()
                .profile
                .as_deref(),
            Some("prod")
        );
        assert_eq!(
            line(&["seed", "--config-dir", "/etc/shop"]).unwrap().job,
            Some("seed")
        );
        assert_eq!(line(&["-h", "--nonsense"]).unwrap().ask, Ask::Help);
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert!(
            line(&["sed"])
                .unwrap_err()
                .to_string()
                .contains("unknown command `sed`; its commands are: migrate, seed")
        );
        assert!(
            line(&["--nonsense"])
                .unwrap_err()
                .to_string()
                .contains("--nonsense")
        );
        assert!(
            line(&["seed", "migrate"])
                .unwrap_err()
                .to_string()
                .contains("migrate")
        );
        assert!(line(&["--profile"]).is_err());
    }
}
