//! The global transaction id.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use http::HeaderValue;
use rand::Rng;

/// The longest accepted id, in bytes.
const MAX: usize = 64;

/// The id of a transaction, the same at every service that takes part.
///
/// 1 to 64 characters of `0-9 A-Z a-z . _ -`. A minted one has 32 lower-case hex digits: 6 bytes of Unix milliseconds,
/// so that ids sort by time, and 10 random bytes. It carries no UUID version or variant bits, because ratio samplers
/// read the low 8 bytes as a random number. Held inline: copying or parsing one allocates nothing.
#[derive(Clone, Copy)]
pub struct Gtxid {
    len: u8,
    bytes: [u8; MAX],
}

/// A text is not a GTXID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a GTXID has 1 to 64 characters of 0-9, A-Z, a-z, `.`, `_` and `-`")]
#[non_exhaustive]
pub struct GtxidError;

impl Gtxid {
    /// Mints an id from the wall-clock time and 10 random bytes.
    pub fn mint(unix_ms: u64, rng: &mut impl Rng) -> Self {
        let mut random = [0_u8; 16];
        rng.fill_bytes(&mut random);
        let random = u128::from_ne_bytes(random) & ((1 << 80) - 1);
        Self::from_u128((u128::from(unix_ms) << 80) | random)
    }

    /// The id with these 16 bytes as lower-case hex, as a W3C trace id is written.
    #[must_use]
    pub fn from_u128(id: u128) -> Self {
        /// Arithmetic and no table, so that the compiler does many digits at once.
        const fn digit(nibble: u8) -> u8 {
            nibble + b'0' + if nibble > 9 { b'a' - b'9' - 1 } else { 0 }
        }
        let mut bytes = [0; MAX];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(id.to_be_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        Self { len: 32, bytes }
    }

    /// Reads an id from a header's bytes.
    ///
    /// # Errors
    ///
    /// [`GtxidError`] when it is empty, too long or has another character.
    pub fn from_bytes(text: &[u8]) -> Result<Self, GtxidError> {
        if text.is_empty() || text.len() > MAX || !text.iter().all(|b| allowed(*b)) {
            return Err(GtxidError);
        }
        let mut bytes = [0; MAX];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Ok(Self {
            len: u8::try_from(text.len()).map_err(|_| GtxidError)?,
            bytes,
        })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as a header's value, which it allocates.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        // The characters of an id are all legal in a header, so the other value is never taken.
        HeaderValue::from_bytes(self.as_bytes()).unwrap_or(HeaderValue::from_static(""))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The id as 16 bytes, when it has the form of a trace id: 32 hex digits in lower case, not all zero.
    #[must_use]
    pub fn as_trace_id(&self) -> Option<u128> {
        let text = self.as_bytes();
        let (high, low) = text.split_at_checked(16).filter(|_| text.len() == 32)?;
        let id = u128::from(lower_hex_16(high)?) << 64 | u128::from(lower_hex_16(low)?);
        Some(id).filter(|id| *id != 0)
    }
}

/// The number that 16 digits in lower case write.
fn lower_hex_16(digits: &[u8]) -> Option<u64> {
    let (high, low) = digits.split_at_checked(8)?;
    Some(u64::from(lower_hex_8(high)?) << 32 | u64::from(lower_hex_8(low)?))
}

/// The number that 8 digits write: all of them at once, one in each byte of a word.
fn lower_hex_8(digits: &[u8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits.try_into().ok()?);
    // `a` to `f` have bit 6, `0` to `9` have not.
    let letters = (text >> 6) & ONES;
    let all = letters * 0xff;
    // `0` is 0x30 and stands for 0, `a` is 0x61 and here 1.
    let value = text ^ (all & (ONES * 0x60) | !all & (ONES * 0x30));
    if value & (ONES * 0xf0) != 0 {
        return None;
    }
    // No byte is above 15 now, so a sum carries into its own byte's bit 4 and no further: digits to 9, letters from 1 to 6.
    let beyond = (value + ONES * 6 & !all) | (value + ONES * 9 & all);
    let none = !(value + ONES * 15) & all;
    if (beyond | none) & (ONES * 0x10) != 0 {
        return None;
    }
    let nibbles = value + letters * 9;
    let bytes = (nibbles >> 4 | nibbles) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes >> 8 | bytes) & 0x0000_ffff_0000_ffff;
    u32::try_from((pairs >> 16 | pairs) & 0xffff_ffff).ok()
}

const fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

impl FromStr for Gtxid {
    type Err = GtxidError;

    fn from_str(text: &str) -> Result<Self, GtxidError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl PartialEq for Gtxid {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Gtxid {}

impl Hash for Gtxid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Gtxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Gtxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gtxid({self})")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn a_minted_id_is_time_then_random_in_32_hex_digits() {
        let mut rng = SmallRng::seed_from_u64(7);
        let a = Gtxid::mint(0x0123_4567_89ab, &mut rng);
        let b = Gtxid::mint(0x0123_4567_89ab, &mut rng);
        assert_eq!(a.as_str().len(), 32);
        assert!(a.as_str().starts_with("0123456789ab"));
        assert_ne!(a, b);
        assert_eq!(Gtxid::from_u128(a.as_trace_id().unwrap()), a);
    }

    #[test]
    fn all_ten_random_bytes_take_every_value() {
        let mut rng = SmallRng::seed_from_u64(1);
        let (mut ones, mut zeros) = (0_u128, 0_u128);
        for _ in 0..200 {
            let id = Gtxid::mint(0, &mut rng).as_trace_id().unwrap();
            ones |= id;
            zeros |= !id;
        }
        let low = (1_u128 << 80) - 1;
        assert_eq!((ones & low, zeros & low), (low, low));
    }

    #[test]
    fn accepts_what_the_wire_format_allows_and_nothing_else() {
        for good in ["a", "A-Z.0_9", &"x".repeat(64)] {
            assert_eq!(good.parse::<Gtxid>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            " a",
            "a b",
            "ä",
            "a\n",
            "a\0",
            "a,b",
            "a;b",
            "a/b",
            &"x".repeat(65),
        ] {
            assert_eq!(bad.parse::<Gtxid>(), Err(GtxidError), "{bad:?}");
        }
    }

    #[test]
    fn only_lower_case_hex_of_16_bytes_is_a_trace_id() {
        for not in [
            "0".repeat(32),
            "A".repeat(32),
            "a".repeat(31),
            "a".repeat(33),
            "g".repeat(32),
        ] {
            assert_eq!(not.parse::<Gtxid>().unwrap().as_trace_id(), None, "{not}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_trace_id_is_read_as_the_standard_library_reads_it(
            id: u128,
            text in "[0-9a-f]{32}",
            other in "[0-9a-gA-F._-]{32}",
        ) {
            let read = |text: &str| text.parse::<Gtxid>().unwrap().as_trace_id();
            proptest::prop_assert_eq!(read(&format!("{id:032x}")), Some(id).filter(|id| *id != 0));
            for text in [text, other] {
                let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                let expected = u128::from_str_radix(&text, 16).ok().filter(|id| lower && *id != 0);
                proptest::prop_assert_eq!(read(&text), expected);
            }
        }
    }
}
