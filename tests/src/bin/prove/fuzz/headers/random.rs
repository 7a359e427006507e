//! Header maps by chance.

use http::{HeaderMap, HeaderName, HeaderValue};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};

use crate::fuzz::one;

/// The first six are those that are always written.
pub(super) const NAMES: [&str; 12] = [
    "x-gtxid",
    "x-ltxid",
    "x-txn-branch",
    "x-txn-attempt",
    "x-txn-timeout-ms",
    "x-txn-retries",
    "x-msa-criticality",
    "traceparent",
    "grpc-timeout",
    "x-envoy-expected-rq-timeout-ms",
    "x-gtxie",
    "connection",
];

/// A right value for each of [`NAMES`].
const RIGHT: [&str; 12] = [
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "3",
    "1.2.1",
    "2",
    "1500",
    "1",
    "sheddable",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "250m",
    "900",
    "a",
    "close",
];

/// Values that are right, nearly right, or known to be trouble.
const VALUES: [&[u8]; 40] = [
    b"4bf92f3577b34da6a3ce929d0e0e4736",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"a",
    b"A._-9",
    b"",
    b" ",
    b"\t",
    b"\xff",
    b"\xc3\xa4",
    b"a b",
    b"x-gtxid",
    b"0",
    b"1",
    b"2",
    b"01",
    b"-1",
    b"+1",
    b"32",
    b"33",
    b"255",
    b"256",
    b"1.5",
    b"4294967295",
    b"4294967296",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999999999999999999999999",
    b"1.2.1",
    b"1..2",
    b".1",
    b"1.",
    b"12345678901.1",
    b"critical",
    b"sheddable",
    b"background",
    b"99999999H",
    b"250m",
];

pub(super) fn map(rng: &mut SmallRng) -> HeaderMap {
    let mut map = HeaderMap::new();
    // What a caller of good will sends, and then what one of ill will adds.
    let good_will = rng.random_range(0..10);
    for (name, value) in NAMES.iter().zip(RIGHT) {
        if rng.random_range(0..10) < good_will {
            map.append(*name, HeaderValue::from_static(value));
        }
    }
    for _ in 0..rng.random_range(0..8) {
        let name = *one(rng, &NAMES);
        let bytes = value(rng);
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            map.append(HeaderName::from_static(name), value);
        }
    }
    map
}

/// One of the known values, changed in a few places more often than not, or mere chance.
fn value(rng: &mut SmallRng) -> Vec<u8> {
    const LETTERS: &[u8] = b"0123456789abcdefABF.-_ \tHMSmun\x7f\x80\xff,;=\"\\\x01";
    let letter = |rng: &mut SmallRng| *one(rng, LETTERS);
    if rng.random_range(0..8) == 0 {
        let most = *one(rng, &[4, 64, 66, 300]);
        return (0..rng.random_range(0..most))
            .map(|_| letter(rng))
            .collect();
    }
    if rng.random_range(0..8) == 0 {
        let numbers = (0..rng.random_range(1..120))
            .map(|_| (rng.next_u32() >> rng.random_range(0..32)).to_string());
        return numbers.collect::<Vec<_>>().join(".").into_bytes();
    }
    let mut value = one(rng, &VALUES).to_vec();
    for _ in 0..rng.random_range(0..3) {
        let at = rng.random_range(0..=value.len());
        match rng.random_range(0..4) {
            0 => value.insert(at, letter(rng)),
            1 if at < value.len() => {
                value.remove(at);
            }
            2 => value.truncate(at),
            3 => value.extend_from_within(..at),
            _ => {}
        }
    }
    value
}
