//! A moment as the schedule knows it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in whole microseconds: what both databases keep exactly, so that what comes back is what went in.
///
/// Written as RFC 3339 with its zone (`2026-07-01T09:00:00+02:00`), answered in UTC, from 1970 to the end of 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Timestamp);

/// Why a text is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// No RFC 3339 time, or one without its zone.
    #[error(
        "must be an RFC 3339 time with its zone, such as 2026-07-01T09:00:00Z or 2026-07-01T09:00:00+02:00"
    )]
    Format,
    /// A `+` that a query string turned into a blank.
    #[error("must be an RFC 3339 time with its zone; in a query, write the `+` of the zone as %2B")]
    Blank,
    /// Before 1970 or after 9999.
    #[error("must lie between the years 1970 and 9999")]
    Range,
}

impl Time {
    /// Now, by the service's clock.
    #[must_use]
    pub fn now() -> Self {
        let millis = i64::try_from(msa_core::clock::unix_ms()).unwrap_or(i64::MAX);
        Self(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX))
    }

    /// The moment that lies this many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// `TimeError::Range`.
    pub fn from_micros(micros: i64) -> Result<Self, TimeError> {
        match Timestamp::from_microsecond(micros) {
            Ok(time) if micros >= 0 => Ok(Self(time)),
            _ => Err(TimeError::Range),
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; never negative.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let time: Timestamp = text.parse().map_err(|_| {
            if text.contains(' ') {
                TimeError::Blank
            } else {
                TimeError::Format
            }
        })?;
        Self::from_micros(time.as_microsecond())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_required_and_respected() {
        let utc: Time = "2026-07-01T09:00:00Z".parse().unwrap();
        let berlin: Time = "2026-07-01T11:00:00+02:00".parse().unwrap();
        assert_eq!(utc, berlin);
        assert_eq!(berlin.to_string(), "2026-07-01T09:00:00Z");
        for bad in [
            "2026-07-01T09:00:00",
            "2026-07-01",
            "",
            "é",
            "Z",
            "2026-02-30T09:00:00Z",
            "1751360400",
        ] {
            assert_eq!(bad.parse::<Time>(), Err(TimeError::Format), "{bad}");
        }
    }

    #[test]
    fn a_plus_that_a_query_turned_into_a_blank_is_explained() {
        assert_eq!(
            "2026-07-01T09:00:00 02:00".parse::<Time>(),
            Err(TimeError::Blank)
        );
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut() {
        let time: Time = "2026-07-01T09:00:00.123456789Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-07-01T09:00:00.123456Z");
    }

    #[test]
    fn years_outside_the_calendar_are_refused() {
        for bad in ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(bad.parse::<Time>(), Err(TimeError::Range), "{bad}");
        }
        assert!(Time::from_micros(i64::MAX).is_err());
        assert!("9999-12-30T00:00:00Z".parse::<Time>().is_ok());
    }
}
