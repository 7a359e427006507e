//! Causes as a log may have them: with their own causes, without what a body said.
//!
//! serde's messages repeat the value that they do not like (`invalid type: string "hunter2", expected u64`). It came from a request or
//! an answer, and is nobody's business but theirs.

use std::error::Error;
use std::fmt;

use url::Position;

use super::faults;
use crate::config::redacted;

/// An error and its causes, on one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        match error.downcast_ref() {
            Some(json) => text.push_str(&Unread::from(json).to_string()),
            None => text.push_str(&redacted(&without_query(error))),
        }
        next = error.source();
    }
    text
}

/// What an error says; reqwest's names the whole URL.
fn without_query(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let url = error
        .downcast_ref::<reqwest::Error>()
        .and_then(reqwest::Error::url);
    match url.filter(|url| url.query().is_some()) {
        Some(url) => text.replace(url.as_str(), &url[..Position::AfterPath]),
        None => text,
    }
}

/// What is wrong with a JSON text, in place of the error that repeats it.
#[derive(Debug)]
pub(crate) struct Unread {
    what: String,
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for Unread {
    fn from(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let wrong = faults::of_message(Vec::new(), &text);
        let what = match wrong.at.first() {
            Some(field) => format!("`{field}` {}", wrong.detail),
            None => wrong.detail,
        };
        Self {
            what,
            line: error.line(),
            column: error.column(),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.line {
            0 => Ok(()), // it was no text
            line => write!(f, " at line {line} column {}", self.column),
        }
    }
}

impl Error for Unread {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase", deny_unknown_fields)]
    struct Order {
        #[allow(dead_code)] // read by the deserializer
        number: u64,
        #[allow(dead_code)] // read by the deserializer
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Small,
    }

    #[test]
    fn a_value_that_is_not_what_was_expected_is_not_repeated() {
        for (json, said) in [
            (
                r#"{"number":"hunter2"}"#,
                "must be a whole number from 0 to 18446744073709551615 at line 1 column 19",
            ),
            (
                r#"{"number":1,"kind":"hunter2"}"#,
                "must be one of the forms that are known here: `small` at line 1 column 28",
            ),
            (r#"{"number":1}"#, "`kind` is missing at line 1 column 12"),
            (
                r#"{"number":1,"#,
                "EOF while parsing a value at line 1 column 12",
            ),
        ] {
            let error = serde_json::from_str::<Order>(json).unwrap_err();
            assert_eq!(Unread::from(&error).to_string(), said);
        }
    }

    #[test]
    fn a_chain_has_every_cause_and_no_value() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read http://u:hunter2@host/?access_token=hunter2")]
        struct Outer(#[source] serde_json::Error);
        let inner = serde_json::from_str::<u8>("\"hunter2\"").unwrap_err();
        assert_eq!(
            chain(&Outer(inner)),
            "cannot read http://***@host/?access_token=***: must be a whole number from 0 to 255 at line 1 column 9"
        );
    }
}
