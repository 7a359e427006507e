//! What can go wrong around a process.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a process could not be built, started, reached or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The executables are not there and cargo did not make them.
    #[error(
        "cannot build the example services: {reason}\nTry it by hand in the repository: cargo build {packages}"
    )]
    Build {
        /// What cargo or the system said.
        reason: String,
        /// The packages, as arguments for cargo.
        packages: String,
    },
    /// An executable is not where cargo should have put it.
    #[error("{} is not there; build it by: cargo build {packages}", path.display())]
    NoBinary {
        /// Where it was looked for.
        path: PathBuf,
        /// The packages, as arguments for cargo.
        packages: String,
    },
    /// The system did not start or end a process, or a file could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A process ended although it was still needed.
    #[error("{service} ended with {status} {when}; its last log lines:\n{tail}")]
    Died {
        /// The service's name.
        service: String,
        /// Its exit status.
        status: String,
        /// While what was being waited for.
        when: &'static str,
        /// Its last lines.
        tail: Tail,
    },
    /// A process runs, but something about it did not happen in time.
    #[error("{service} {what} in time; its last log lines:\n{tail}")]
    Late {
        /// The service's name.
        service: String,
        /// What did not happen.
        what: &'static str,
        /// Its last lines.
        tail: Tail,
    },
    /// [`interrupt`](crate::interrupt) was called.
    #[error("interrupted")]
    Interrupted,
    /// The cluster has no such service.
    #[error("the cluster has no {service}; it has {}", crate::SERVICES.join(", "))]
    UnknownService {
        /// The name that was asked for.
        service: String,
    },
    /// An HTTP exchange failed below HTTP.
    #[error("{method} http://{addr}{path}: {source}")]
    Http {
        /// The method.
        method: String,
        /// The address.
        addr: String,
        /// The path and query.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The last lines a process wrote, each indented, so that they stand apart from the message around them.
#[derive(Debug)]
pub struct Tail(pub(crate) Vec<String>);

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("  (it wrote nothing)");
        }
        for (n, line) in self.0.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}  {line}")?;
        }
        Ok(())
    }
}
