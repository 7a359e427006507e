//! Numbers as text without an allocation, past the standard library's formatting machinery: calls and log lines have several.

/// A number's digits, held inline.
pub(crate) struct Decimal {
    digits: [u8; 20],
    count: usize,
}

impl Decimal {
    pub(crate) fn new(number: u64) -> Self {
        Self::padded(number, 1)
    }

    /// With zeros before it, at least `places` digits in all.
    pub(crate) fn padded(mut number: u64, places: usize) -> Self {
        let mut decimal = Self {
            digits: [0; 20],
            count: 0,
        };
        for digit in decimal.digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            decimal.count += 1;
            if number == 0 && decimal.count >= places {
                break;
            }
        }
        decimal
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let first = self.digits.len() - self.count;
        self.digits.get(first..).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_the_standard_librarys(number: u64, places in 1_usize..=20) {
            let small = number % 1000;
            for number in [number, small, 0, u64::MAX] {
                let (plain, padded) = (Decimal::new(number), Decimal::padded(number, places));
                prop_assert_eq!(plain.as_str(), number.to_string());
                prop_assert_eq!(padded.as_str(), format!("{number:0places$}"));
            }
        }
    }
}
