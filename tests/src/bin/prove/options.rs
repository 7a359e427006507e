//! The command line.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use msa_core::config::Span;

/// The command line is not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn command(name: &str) -> Self {
        Self(match name {
            "" => "no command".to_owned(),
            name => format!("unknown command `{name}`"),
        })
    }
}

/// A command, what follows it, and its options, which are taken one by one.
#[derive(Debug, Default)]
pub(crate) struct Options {
    words: Vec<String>,
    named: Vec<(String, Option<String>)>,
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, UsageError> {
        let mut options = Self::default();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--") else {
                if argument == "-h" {
                    options.named.push(("help".to_owned(), None));
                } else if argument.starts_with('-') {
                    return Err(UsageError(format!("unknown option `{argument}`")));
                } else {
                    options.words.push(argument);
                }
                continue;
            };
            let named = match name.split_once('=') {
                Some((name, value)) if name != "env" => (name.to_owned(), Some(value.to_owned())),
                _ => (
                    name.to_owned(),
                    arguments.next_if(|next| !next.starts_with("--")),
                ),
            };
            options.named.push(named);
        }
        Ok(options)
    }

    pub(crate) fn wants_help(&self) -> bool {
        self.named.iter().any(|(name, _)| name == "help")
    }

    pub(crate) fn command(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The word after the command.
    pub(crate) fn word(&self, what: &str) -> Result<&str, UsageError> {
        let word = self.words.get(1).map(String::as_str);
        word.ok_or_else(|| UsageError(format!("{what} is missing")))
    }

    /// The words after that one.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.words.iter().skip(2).cloned().collect()
    }

    pub(crate) fn value<T>(&mut self, name: &str, default: T) -> Result<T, UsageError>
    where
        T: FromStr<Err: Display>,
    {
        Ok(self.values(name)?.pop().unwrap_or(default))
    }

    /// Every value of an option that may be repeated.
    pub(crate) fn values<T>(&mut self, name: &str) -> Result<Vec<T>, UsageError>
    where
        T: FromStr<Err: Display>,
    {
        let mut values = Vec::new();
        for (_, text) in self.named.extract_if(.., |(known, _)| known == name) {
            let text = text.ok_or_else(|| UsageError(format!("--{name} needs a value")))?;
            let value = text.parse();
            values.push(value.map_err(|error| UsageError(format!("--{name} {text}: {error}")))?);
        }
        Ok(values)
    }

    pub(crate) fn duration(
        &mut self,
        name: &str,
        default: Duration,
    ) -> Result<Duration, UsageError> {
        Ok(self.value(name, Span::new(default))?.get())
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.named.len();
        self.named
            .retain(|(known, value)| known != name || value.is_some());
        self.named.len() < before
    }

    /// Everything was understood.
    pub(crate) fn finish(self) -> Result<(), UsageError> {
        match self.named.first() {
            Some((name, _)) => Err(UsageError(format!("unknown option `--{name}`"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        Options::parse(line.split(' ').map(ToOwned::to_owned)).unwrap()
    }

    #[test]
    fn options_are_taken_by_name_and_what_is_left_is_an_error() {
        let mut given = options("restarts --count 5 --defaults --lag=250ms --tpyo 3");
        assert_eq!(given.command(), "restarts");
        assert_eq!(given.value("count", 100), Ok(5));
        assert_eq!(given.value("workers", 16), Ok(16));
        let lag = given.duration("lag", Duration::ZERO);
        assert_eq!(lag, Ok(Duration::from_millis(250)));
        assert!(given.flag("defaults") && !given.flag("defaults"));
        let error = given.finish().unwrap_err();
        assert_eq!(error.to_string(), "unknown option `--tpyo`");
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named() {
        let error = options("restarts --count many")
            .value("count", 1)
            .unwrap_err();
        assert!(error.to_string().starts_with("--count many: "), "{error}");
        assert!(options("restarts --count").value("count", 1).is_err());
    }
}
