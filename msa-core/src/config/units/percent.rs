//! A share of a whole.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::UnitError;

/// A share of a whole, from nothing to all of it: `50%`, `0.1%`, or the fraction `0.5`.
///
/// A whole number above 1 without its sign is refused, since nobody can see whether 50 or 0.5 % of something were meant.
/// Counted in millionths, the fourth decimal of a percentage, so that it compares, and can be compared with counts, exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(u32);

/// What 100 % is in millionths.
const ALL: u32 = 1_000_000;

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// All of it: 100 %.
    pub const ALL: Self = Self(ALL);

    /// So many percent; what is above 100 is 100.
    #[must_use]
    pub const fn new(percent: u8) -> Self {
        if percent >= 100 {
            return Self::ALL;
        }
        Self(percent as u32 * (ALL / 100))
    }

    /// So many millionths, the unit it is kept in; `None` above 1,000,000.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths > ALL {
            return None;
        }
        Some(Self(millionths))
    }

    /// A fraction from 0 to 1, to the nearest millionth; `None` when it is none.
    #[must_use]
    // Casts: from 0 to 1,000,000, as was checked
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        (0.0..=1.0)
            .contains(&fraction)
            .then(|| Self((fraction * f64::from(ALL)).round() as u32))
    }

    /// The fraction, from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(ALL)
    }

    /// The millionths, from 0 to 1,000,000.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether `part` is at least this share of `whole`, exactly.
    #[must_use]
    #[inline]
    pub fn reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(ALL) >= u128::from(whole) * u128::from(self.0)
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let (number, scale) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100.0),
            None => (text, 1.0),
        };
        // `f64` reads signs, exponents and `inf` too, which no percentage has.
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        let number = number.bytes().all(plain).then(|| number.parse::<f64>());
        number
            .and_then(Result::ok)
            .and_then(|number| Self::from_fraction(number / scale))
            .ok_or_else(|| UnitError("needs a percentage such as 50%, or its fraction 0.5".into()))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole}%");
        }
        let rest = format!("{rest:04}");
        write!(f, "{whole}.{}%", rest.trim_end_matches('0'))
    }
}

impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as 50%, or its fraction 0.5")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, fraction: f64) -> Result<Percent, E> {
                Percent::from_fraction(fraction)
                    .ok_or_else(|| E::custom("a percentage's fraction is from 0 to 1"))
            }

            // Casts: 0 and 1 are exact, and everything else is refused
            fn visit_u64<E: de::Error>(self, fraction: u64) -> Result<Percent, E> {
                self.visit_f64(fraction as f64)
            }

            // Casts: 0 and 1 are exact, and everything else is refused
            fn visit_i64<E: de::Error>(self, fraction: i64) -> Result<Percent, E> {
                self.visit_f64(fraction as f64)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "format": "percent", "minimum": 0, "maximum": 1, "examples": ["50%", "0.1%", 0.5] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_reads_what_it_writes() {
        for text in ["0%", "1%", "50%", "33.3333%", "0.0001%", "99.9%", "100%"] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!(percent.to_string(), text);
        }
        assert_eq!("0.5".parse::<Percent>().unwrap(), Percent::new(50));
        assert_eq!("12.50 %".parse::<Percent>().unwrap().to_string(), "12.5%");
        assert_eq!("1".parse::<Percent>().unwrap(), Percent::ALL);
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in [
            "", "%", "50", "1.5", "101%", "-1%", "+1%", "1e1%", "inf%", "nan", ".", "5%%",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_configuration_may_write_the_fraction_as_a_number() {
        let read = |json: &str| serde_json::from_str::<Percent>(json);
        assert_eq!(read("0.25").unwrap(), Percent::new(25));
        assert_eq!(read("1").unwrap(), Percent::ALL);
        assert_eq!(read("\"25%\"").unwrap(), Percent::new(25));
        for json in ["50", "-0.1", "true", "1.0001"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn counts_are_compared_with_it_exactly() {
        assert!(Percent::new(50).reached_by(10, 20));
        assert!(!Percent::new(50).reached_by(9_999_999_999, 20_000_000_000));
        assert!(Percent::ALL.reached_by(u64::MAX, u64::MAX));
        assert!(Percent::ZERO.reached_by(0, 1));
    }
}
