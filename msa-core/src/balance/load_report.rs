//! `x-msa-load`: what a server says of its load on each response.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::LoadReport;

/// The header's name.
pub const LOAD_HEADER: HeaderName = HeaderName::from_static("x-msa-load");

/// What is longer is no report.
const MAX_LEN: usize = 128;

/// What is slower counts as this slow.
const MAX_LATENCY: Duration = Duration::from_secs(3600);

/// On the wire a report is a dictionary of structured fields (RFC 9651) with two integers:
///
/// ```text
/// x-msa-load: rif=12, latency_us=3400
/// ```
///
/// `rif` is the number of requests in flight, the answered one left out; `latency_us` the estimate in microseconds, left out while there
/// is none, which reads as zero.
impl LoadReport {
    /// The report as the header's value.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        let text = if self.latency.is_zero() {
            format!("rif={}", self.in_flight)
        } else {
            let latency = self.latency.min(MAX_LATENCY).as_micros();
            format!("rif={}, latency_us={latency}", self.in_flight)
        };
        // Letters, digits and commas: always a header value.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("rif=0"))
    }

    /// The report that a header's value tells, or `None` when it is not one: no `rif`, a key written twice, a number that is
    /// none, or more than 128 bytes. Keys of later versions are passed over; a latency above an hour counts as an hour.
    ///
    /// ```
    /// use std::time::Duration;
    /// use msa_core::balance::LoadReport;
    ///
    /// let report = LoadReport::parse(b"rif=12, latency_us=3400");
    /// assert_eq!(report, Some(LoadReport::new(12, Duration::from_micros(3400))));
    /// assert_eq!(LoadReport::parse(b"rif=many"), None);
    /// ```
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        if header.len() > MAX_LEN {
            return None;
        }
        let (mut in_flight, mut latency) = (None, None);
        for member in header.split(|byte| *byte == b',') {
            let member = member.trim_ascii();
            let at = member.iter().position(|byte| *byte == b'=');
            let (key, value) = member.split_at_checked(at?)?;
            let slot = match key {
                b"rif" => &mut in_flight,
                b"latency_us" => &mut latency,
                _ => continue,
            };
            if slot.replace(integer(value.get(1..)?)?).is_some() {
                return None;
            }
        }
        let in_flight = u32::try_from(in_flight?).unwrap_or(u32::MAX);
        let latency = Duration::from_micros(latency.unwrap_or(0)).min(MAX_LATENCY);
        Some(Self::new(in_flight, latency))
    }
}

/// A structured field's integer has at most 15 digits; ours no sign.
fn integer(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0, |number: u64, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<(u32, u128)> {
        LoadReport::parse(text.as_bytes())
            .map(|report| (report.in_flight, report.latency.as_micros()))
    }

    #[test]
    fn what_is_well_formed_is_read() {
        assert_eq!(parse("rif=12, latency_us=3400"), Some((12, 3400)));
        assert_eq!(parse("latency_us=3400,rif=12"), Some((12, 3400)));
        assert_eq!(parse("\trif=0 "), Some((0, 0)));
        assert_eq!(parse("rif=1, cpu=0.7, later=\"x\""), Some((1, 0)));
        assert_eq!(parse("rif=5000000000"), Some((u32::MAX, 0)));
        assert_eq!(
            parse("rif=1, latency_us=999999999999999"),
            Some((1, 3_600_000_000))
        );
    }

    #[test]
    fn what_is_not_is_no_report() {
        for text in [
            "",
            ",",
            "rif",
            "rif=",
            "rif=-1",
            "rif=+1",
            "rif=1.5",
            "rif=1 2",
            "rif=x",
            "latency_us=5",
            "rif=1,rif=1",
            "rif=1,",
            "rif=1234567890123456",
            "rif=1, latency_us=\u{661}",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&format!("rif=1, x={}", "9".repeat(MAX_LEN))), None);
    }

    proptest! {
        #[test]
        fn a_report_survives_the_wire(in_flight: u32, micros in 0_u64..=3_600_000_000) {
            let report = LoadReport::new(in_flight, Duration::from_micros(micros));
            prop_assert_eq!(LoadReport::parse(report.to_header().as_bytes()), Some(report));
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            if let Some(report) = LoadReport::parse(&bytes) {
                prop_assert!(report.latency <= MAX_LATENCY);
            }
        }
    }
}
