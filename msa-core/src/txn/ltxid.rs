//! The local transaction id: the hop.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// How many servers the transaction has crossed: 1 at the first, one more at each below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ltxid(NonZeroU32);

/// A text is not an LTXID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an LTXID is a decimal number from 1, without a sign")]
#[non_exhaustive]
pub struct LtxidError;

impl Ltxid {
    /// The first service of a transaction.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The hop with this number; `None` for 0.
    #[must_use]
    pub fn new(hop: u32) -> Option<Self> {
        NonZeroU32::new(hop).map(Self)
    }

    /// The number, from 1.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The next hop. Saturates, which the hop limit makes unreachable.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads a header's bytes. A number too large for 32 bits becomes the largest, so that no loop hides behind an
    /// overflow: every hop limit refuses it.
    ///
    /// # Errors
    ///
    /// [`LtxidError`] when it is not a decimal number from 1.
    pub fn from_bytes(text: &[u8]) -> Result<Self, LtxidError> {
        let number = decimal(text).ok_or(LtxidError)?;
        Self::new(u32::try_from(number).unwrap_or(u32::MAX)).ok_or(LtxidError)
    }
}

/// Digits only, saturating.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

impl FromStr for Ltxid {
    type Err = LtxidError;

    fn from_str(text: &str) -> Result<Self, LtxidError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for Ltxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_numbers_from_one_and_saturates() {
        assert_eq!("1".parse(), Ok(Ltxid::FIRST));
        assert_eq!("33".parse::<Ltxid>().unwrap().get(), 33);
        assert_eq!(
            "18446744073709551616".parse::<Ltxid>().unwrap().get(),
            u32::MAX
        );
        assert_eq!("9".repeat(65_536).parse::<Ltxid>().unwrap().get(), u32::MAX);
        for bad in [
            "", "0", "00", "-1", "+1", " 1", "1 ", "1.0", "0x1", "x", "١",
        ] {
            assert_eq!(bad.parse::<Ltxid>(), Err(LtxidError), "{bad:?}");
        }
    }
}
