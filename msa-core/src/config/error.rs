//! Where a value came from, and everything that is wrong with a configuration.

use std::fmt;
use std::sync::Arc;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A TOML file; line and column count from 1, and point at the key.
    File {
        /// The file, as it was asked for.
        file: Arc<str>,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// A file of the secrets folder. Such values are never shown, whatever the schema says.
    Secret(Arc<str>),
    /// An environment variable.
    Variable(Arc<str>),
    /// An option of the command line, such as `--config-dir`, or the [`Loader`](super::Loader)'s method in its place.
    Option(Arc<str>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: 0, .. } => f.write_str(file),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Secret(name) | Self::Variable(name) | Self::Option(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    source: Source,
    key: String,
    message: String,
}

impl Problem {
    pub(super) fn new(source: Source, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            source,
            key: key.into(),
            message: message.into(),
        }
    }

    /// Where the faulty value, key or file stands.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The key, with a dot between levels; empty when the trouble is with a whole file.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong and what to do. Holds no value of a secret.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

/// A configuration cannot be used. Its text lists every problem, one a line, with place, key and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConfigError {
    service: Box<str>,
    problems: Arc<[Problem]>,
}

impl ConfigError {
    /// The exit code of a process that cannot be configured: `EX_CONFIG` of BSD's sysexits.
    pub const EXIT_CODE: u8 = 78;

    pub(super) fn new(service: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self {
            service: service.into(),
            problems: problems.into(),
        }
    }

    /// All problems, sorted by place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn text(&self) -> String {
        let count = match self.problems.len() {
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        };
        let mut text = format!("the configuration of `{}` has {count}:", self.service);
        for problem in self.problems.iter() {
            text.push_str("\n  ");
            text.push_str(&problem.to_string());
        }
        text
    }
}
