//! Who is shed first.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

/// How much a request matters when not all can be served; the last is shed first.
///
/// The four levels follow Google's practice (Site Reliability Engineering, "Handling Overload").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Criticality {
    /// Work that may wait for hours.
    Background,
    /// Work whose loss is expected now and then.
    Sheddable,
    /// What a user waits for; the default.
    #[default]
    Default,
    /// What must not fail while anything works.
    Critical,
}

/// A text is not a criticality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a criticality is one of critical, default, sheddable, background")]
#[non_exhaustive]
pub struct CriticalityError;

impl Criticality {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Sheddable => "sheddable",
            Self::Default => "default",
            Self::Critical => "critical",
        }
    }

    pub(super) fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }

    pub(super) fn from_bytes(text: &[u8]) -> Result<Self, CriticalityError> {
        [
            Self::Background,
            Self::Sheddable,
            Self::Default,
            Self::Critical,
        ]
        .into_iter()
        .find(|level| level.as_str().as_bytes() == text)
        .ok_or(CriticalityError)
    }
}

impl FromStr for Criticality {
    type Err = CriticalityError;

    fn from_str(text: &str) -> Result<Self, CriticalityError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
