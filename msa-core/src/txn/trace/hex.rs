//! Ids as hexadecimal digits, without an allocation.

/// Up to 16 bytes as lower-case digits, held inline.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    digits: [u8; 32],
    count: usize,
}

impl Hex {
    /// A trace id: 32 digits.
    pub(crate) fn of_trace(id: u128) -> Self {
        let mut digits = [b'0'; 32];
        write(&mut digits, id.to_be_bytes());
        Self { digits, count: 32 }
    }

    /// A span id: 16 digits.
    pub(crate) fn of_span(id: u64) -> Self {
        let mut digits = [b'0'; 32];
        write(&mut digits, id.to_be_bytes());
        Self { digits, count: 16 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// As many digits as the bytes have, a length that the compiler knows, so that it does many at once.
#[inline]
fn write<const BYTES: usize>(digits: &mut [u8; 32], bytes: [u8; BYTES]) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
}

pub(super) const fn digit(nibble: u8) -> u8 {
    nibble + b'0' + if nibble > 9 { b'a' - b'9' - 1 } else { 0 }
}

/// The number that these digits write; `None` for anything but digits in lower case, and for more than 32.
pub(crate) fn lower_hex(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_are_read_as_they_were_written(trace: u128, span: u64) {
            let (long, short) = (Hex::of_trace(trace), Hex::of_span(span));
            prop_assert_eq!(long.as_str(), format!("{trace:032x}"));
            prop_assert_eq!(short.as_str(), format!("{span:016x}"));
            prop_assert_eq!(lower_hex(long.as_bytes()), Some(trace));
            prop_assert_eq!(lower_hex(short.as_bytes()), Some(span.into()));
        }
    }

    #[test]
    fn what_is_not_lower_case_digits_is_no_number() {
        for bad in ["", "A0", "0x1", " 1", "g", &"0".repeat(33)] {
            assert_eq!(lower_hex(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
