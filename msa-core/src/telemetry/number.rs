//! Numbers as a log line has them.

use std::fmt;

use crate::txn::Decimal;

/// A number's digits.
pub(super) fn write(out: &mut impl fmt::Write, number: u64) -> fmt::Result {
    out.write_str(Decimal::new(number).as_str())
}

/// A number's digits with zeros before them, `places` in all.
pub(super) fn padded(out: &mut impl fmt::Write, number: u64, places: usize) -> fmt::Result {
    out.write_str(Decimal::padded(number, places).as_str())
}

/// A number as `{}` shows it. Durations have thousandths and are written by themselves.
pub(super) fn write_f64(out: &mut impl fmt::Write, number: f64) -> fmt::Result {
    // So far each thousandth is a double of its own, and whether this number is one can be told by going back.
    const FAR: f64 = 1e12;
    let thousandths = (number * 1000.0).round().abs();
    // By their bits, which tell 0 from -0.
    if thousandths >= FAR || number.to_bits() != (thousandths / 1000.0).to_bits() {
        return write!(out, "{number}");
    }
    let thousandths = thousandths as u64;
    write(out, thousandths / 1000)?;
    let (mut rest, mut places) = (thousandths % 1000, 3);
    if rest == 0 {
        return Ok(());
    }
    while rest % 10 == 0 {
        rest /= 10;
        places -= 1;
    }
    out.write_char('.')?;
    padded(out, rest, places)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(number: f64) -> String {
        let mut text = String::new();
        write_f64(&mut text, number).unwrap();
        text
    }

    proptest! {
        #[test]
        fn a_number_is_shown_as_the_standard_library_shows_it(float: f64, micros: u32) {
            let ms = f64::from(micros) / 1000.0;
            for float in [float, ms, ms * 1e6, ms.trunc(), -ms] {
                prop_assert_eq!(shown(float), float.to_string());
            }
        }
    }

    #[test]
    fn the_borders_are_shown_as_the_standard_library_shows_them() {
        for float in [
            0.0,
            -0.0,
            0.001,
            0.01,
            0.1,
            1.0,
            10.05,
            999_999_999.999,
            1e9,
            1e12,
            f64::MAX,
        ] {
            assert_eq!(shown(float), float.to_string());
        }
    }
}
