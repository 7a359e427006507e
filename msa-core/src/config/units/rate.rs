//! So many events a time.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::UnitError;

/// So many events a time: `100/s`, `6000/m`, `5/10s`.
///
/// The time is a unit (`ms`, `s`, `m`, `h`) or a [`Span`](super::Span) and never zero; the amount may be zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    amount: u64,
    per: Duration,
}

impl Rate {
    /// So many a second.
    #[must_use]
    pub const fn per_second(amount: u64) -> Self {
        Self {
            amount,
            per: Duration::from_secs(1),
        }
    }

    /// So many in each such time; `None` when the time is zero.
    #[must_use]
    pub const fn new(amount: u64, per: Duration) -> Option<Self> {
        if per.is_zero() {
            return None;
        }
        Some(Self { amount, per })
    }

    /// How many.
    #[must_use]
    pub const fn amount(self) -> u64 {
        self.amount
    }

    /// In which time; never zero.
    #[must_use]
    pub const fn per(self) -> Duration {
        self.per
    }

    /// Events a second.
    #[must_use]
    // Casts: 2^53 events are exact enough for a rate
    pub fn get(self) -> f64 {
        self.amount as f64 / self.per.as_secs_f64()
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let read = || {
            let (amount, per) = text.split_once('/')?;
            let (amount, per) = (amount.trim(), per.trim());
            let per = if per.starts_with(|first: char| first.is_ascii_digit()) {
                humantime::parse_duration(per)
            } else {
                humantime::parse_duration(&format!("1{per}"))
            };
            if !amount.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            Self::new(amount.parse().ok()?, per.ok()?)
        };
        read().ok_or_else(|| UnitError("needs a rate such as 100/s, 6000/m or 5/10s".into()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = humantime::format_duration(self.per).to_string();
        let per = match per.strip_prefix('1') {
            Some(unit) if unit.bytes().all(|byte| byte.is_ascii_alphabetic()) => unit,
            _ => &per,
        };
        write!(f, "{}/{per}", self.amount)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as 100/s")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "rate", "examples": ["100/s", "6000/m", "5/10s"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_what_it_writes() {
        for text in ["100/s", "6000/m", "5/10s", "0/s", "1/250ms", "1/h", "1/day"] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate, "{rate}");
        }
        assert_eq!("100/s".parse::<Rate>().unwrap().to_string(), "100/s");
        assert!(("6000/m".parse::<Rate>().unwrap().get() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "", "100", "100/", "/s", "1/0s", "-1/s", "+1/s", "1.5/s", "1/parsec",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
