//! The error of the reader that looks for faults: where, and what in the words of whoever sends requests.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::words;
use crate::config::nearest;

/// One step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::problem) enum Step {
    Key(String),
    Index(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => index.fmt(f),
        }
    }
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Innermost step first: it is written down on the way out.
    pub(super) path: Vec<Step>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// The value is not what is wanted here.
    Value(String),
    Missing,
    Unknown(String),
    Twice,
    /// No stand-in is left to try.
    Exhausted,
    /// This reader cannot read the type.
    Unreadable,
}

impl Fault {
    pub(super) fn new(kind: Kind) -> Self {
        let path = Vec::new();
        Self { path, kind }
    }

    fn of(field: &str, kind: Kind) -> Self {
        Self::new(kind).under(Step::Key(field.to_owned()))
    }

    pub(super) fn under(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl Kind {
    /// What to say of it; nothing of what is only this reader's concern.
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Self::Value(detail) | Self::Unknown(detail) => Some(detail.clone()),
            Self::Missing => Some("is missing".to_owned()),
            Self::Twice => Some("is there twice".to_owned()),
            Self::Exhausted | Self::Unreadable => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.detail().unwrap_or_default())
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Value(words::own(&message.to_string())))
    }

    fn invalid_type(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let wanted = wanted.to_string();
        let wanted = words::expected(&wanted);
        let given = words::given(given);
        Self::new(Kind::Value(format!("must be {wanted}, not {given}")))
    }

    fn invalid_value(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        // A text has the right type and the wrong content, which is not repeated.
        if !matches!(given, Unexpected::Str(_)) {
            return Self::invalid_type(given, wanted);
        }
        let wanted = wanted.to_string();
        let wanted = words::expected(&wanted);
        Self::new(Kind::Value(format!("must be {wanted}")))
    }

    fn invalid_length(_: usize, wanted: &dyn Expected) -> Self {
        let wanted = wanted.to_string();
        Self::new(Kind::Value(format!("must be {}", words::expected(&wanted))))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        let detail = format!("must be one of {}", known.join(", "));
        Self::new(Kind::Value(detail))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let detail = match nearest(field, known.iter().copied()) {
            Some(near) => format!("is not known; did you mean {near}?"),
            None if known.is_empty() => "is not known; nothing may be sent here".to_owned(),
            None => format!("is not known; known are {}", known.join(", ")),
        };
        Self::of(field, Kind::Unknown(detail))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(field, Kind::Missing)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(field, Kind::Twice)
    }
}
