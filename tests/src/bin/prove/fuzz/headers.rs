//! Headers through the transaction's reader and writer.
//!
//! What is right is said here a second time, from the specification and not from the code: a case compares both.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use msa_core::clock;
use msa_core::txn::{Call, Headers, Incoming, Minter, Trust, Txn};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};

use super::{Fuzz, Mark};
use crate::Error;

const NAMES: [&str; 12] = [
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

pub(crate) struct Case {
    headers: Headers,
    minter: Minter,
    nobody: Trust,
}

impl Fuzz for Case {
    const WHAT: &'static str = "header sets";

    fn new() -> Result<Self, Error> {
        Ok(Self {
            headers: Headers::default(),
            minter: Minter::seeded(7),
            nobody: Trust::networks([]),
        })
    }

    fn case(&mut self, rng: &mut SmallRng) -> Result<Mark, String> {
        let mut map = random_map(rng);
        let incoming = self.headers.extract(&map);
        check_read(&map, &incoming).map_err(|rule| format!("{rule}: {incoming:?} from {map:?}"))?;
        self.check_stranger(&map, &incoming)?;

        let default = [None, Some(Duration::from_secs(30))][usize::from(rng.random::<bool>())];
        let mint = || self.minter.mint(clock::unix_ms());
        let txn = Txn::from_incoming(&incoming, mint, default, clock::now());
        let call =
            check_txn(&incoming, &txn).map_err(|rule| format!("{rule}: {txn:?} from {map:?}"))?;

        let attempt = (rng.next_u32() >> rng.random_range(0..32)).max(1);
        let timeout = rng
            .random::<bool>()
            .then(|| Duration::from_millis(rng.next_u64() >> rng.random_range(0..64)));
        self.headers.inject(&call, attempt, timeout, &mut map);
        self.check_written(&map, &call, attempt)
            .map_err(|rule| format!("{rule}: {map:?}"))?;
        Ok(if incoming.gtxid.is_some() {
            Mark::Accepted
        } else {
            Mark::Refused
        })
    }
}

impl Case {
    /// Of a stranger only the timeouts are read.
    fn check_stranger(&self, map: &HeaderMap, believed: &Incoming) -> Result<(), String> {
        let peer = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let read = self.headers.extract_from(map, peer, &self.nobody);
        let nothing = read.gtxid.is_none()
            && read.ltxid.is_none()
            && read.branch.is_none()
            && read.attempt.is_none()
            && read.retries.is_none()
            && read.criticality.is_none();
        rule(nothing, "a stranger is believed")?;
        rule(
            read.timeout == believed.timeout,
            "a stranger's timeout is not read",
        )
    }

    /// What is written is single, legal and read back as it was.
    fn check_written(&self, map: &HeaderMap, call: &Call, attempt: u32) -> Result<(), String> {
        for name in NAMES.iter().take(6) {
            let values: Vec<&HeaderValue> = map.get_all(*name).iter().collect();
            let optional = *name == "x-txn-timeout-ms";
            rule(
                values.len() == 1 || (optional && values.is_empty()),
                "a header is not written once",
            )?;
            let legal = |value: &&HeaderValue| value.as_bytes().iter().all(u8::is_ascii_graphic);
            rule(values.iter().all(legal), "a header is not well formed")?;
        }
        let read = self.headers.extract(map);
        rule(
            read.gtxid.as_ref() == Some(call.gtxid()),
            "the GTXID is not read back",
        )?;
        rule(
            read.ltxid == Some(call.ltxid()),
            "the LTXID is not read back",
        )?;
        rule(
            read.branch.as_ref() == Some(call.branch()),
            "the branch is not read back",
        )?;
        rule(
            read.attempt == Some(attempt),
            "the attempt is not read back",
        )?;
        rule(
            read.retries == Some(call.txn().retries_left()),
            "the retries are not read back",
        )
    }
}

/// The reader's answer against the specification.
fn check_read(map: &HeaderMap, read: &Incoming) -> Result<(), String> {
    let all = |name: &str| -> Vec<&[u8]> {
        map.get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    let single = |name: &str| match *all(name) {
        [only] => Some(only),
        _ => None,
    };

    let own = single("x-gtxid").filter(|text| is_gtxid(text));
    let traced = single("traceparent").and_then(trace_id);
    let expected = own.or(traced);
    let got = read.gtxid.as_ref().map(|id| id.as_str().as_bytes());
    rule(got == expected, "the GTXID is not what was sent")?;

    let hops = all("x-ltxid")
        .into_iter()
        .filter_map(number)
        .filter(|hop| *hop > 0)
        .max();
    let got = read.ltxid.map(|hop| u128::from(hop.get()));
    rule(
        got == hops.map(at_most_u32),
        "the LTXID is not the highest that was sent",
    )?;

    let branch = single("x-txn-branch").filter(|text| is_branch(text));
    let got = read
        .branch
        .as_ref()
        .map(|branch| branch.as_str().as_bytes());
    rule(got == branch, "the branch is not what was sent")?;

    let attempt = single("x-txn-attempt").and_then(number).filter(|n| *n > 0);
    rule(
        read.attempt.map(u128::from) == attempt.map(at_most_u32),
        "the attempt is not what was sent",
    )?;
    let retries = single("x-txn-retries").and_then(number);
    rule(
        read.retries.map(u128::from) == retries.map(at_most_u32),
        "the retries are not what was sent",
    )?;

    let day = Duration::from_secs(86_400);
    rule(
        read.timeout.is_none_or(|timeout| timeout <= day),
        "a timeout is longer than a day",
    )?;
    let plain = all("x-txn-timeout-ms").into_iter().filter_map(number).min();
    let least =
        plain.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)).min(day));
    rule(
        least.is_none() || read.timeout <= least && read.timeout.is_some(),
        "a shorter timeout was sent",
    )
}

/// The rules of hop and branch.
fn check_txn(incoming: &Incoming, txn: &Txn) -> Result<Call, String> {
    rule(
        is_gtxid(txn.gtxid().as_str().as_bytes()),
        "the GTXID is not well formed",
    )?;
    rule(
        txn.gtxid_value() == txn.gtxid().as_str(),
        "the GTXID's header is another",
    )?;
    if incoming.gtxid.is_some() {
        rule(
            incoming.gtxid.as_ref() == Some(txn.gtxid()),
            "the GTXID was not kept",
        )?;
        rule(
            incoming.ltxid.is_none_or(|hop| hop == txn.ltxid()),
            "the LTXID was not kept",
        )?;
    } else {
        rule(
            txn.ltxid().get() == 1,
            "a new transaction begins at another hop than 1",
        )?;
        rule(
            txn.branch().as_str() == "1",
            "a new transaction begins at another branch than 1",
        )?;
        rule(
            txn.gtxid().as_str().len() == 32,
            "a minted GTXID has not 32 digits",
        )?;
    }
    rule(
        is_branch(txn.branch().as_str().as_bytes()),
        "the branch is not well formed",
    )?;
    let (first, second) = (txn.next_call(), txn.next_call());
    for (call, k) in [(&first, 1), (&second, 2)] {
        rule(call.gtxid() == txn.gtxid(), "a call has another GTXID")?;
        let next = txn.ltxid().get().saturating_add(1);
        rule(
            call.ltxid().get() == next,
            "a call's LTXID is not one higher",
        )?;
        let branch = call.branch().as_str();
        rule(
            is_branch(branch.as_bytes()),
            "a call's branch is not well formed",
        )?;
        let whole = format!("{}.{k}", txn.branch().as_str());
        let folded =
            branch.starts_with("0.") && branch.ends_with(&format!(".{k}")) && whole.len() > 224;
        rule(branch == whole || folded, "a call's branch is not B.k")?;
    }
    rule(
        first.branch() != second.branch(),
        "two calls share a branch",
    )?;
    rule(
        !format!("{txn:?}{first:?}").chars().any(char::is_control),
        "a log line would hold control characters",
    )?;
    Ok(first)
}

fn rule(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn is_gtxid(text: &[u8]) -> bool {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=64).contains(&text.len()) && text.iter().all(legal)
}

fn is_branch(text: &[u8]) -> bool {
    let number =
        |part: &[u8]| (1..=10).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    text.len() <= 224 && text.split(|byte| *byte == b'.').all(number)
}

/// A decimal number of any length; so large a one is as good as the largest.
fn number(text: &[u8]) -> Option<u128> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(text).ok()?.trim_start_matches('0');
    Some(match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(u128::MAX),
    })
}

fn at_most_u32(number: u128) -> u128 {
    number.min(u128::from(u32::MAX))
}

/// W3C Trace Context, level 2.
fn trace_id(text: &[u8]) -> Option<&[u8]> {
    let hex = |part: &[u8]| {
        part.iter()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
    };
    let any = |part: &[u8]| part.iter().any(|b| *b != b'0');
    let (version, trace, parent) = (text.get(..2)?, text.get(3..35)?, text.get(36..52)?);
    let flags = text.get(53..55)?;
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    let tail = match text.get(55) {
        None => true,
        Some(next) => version != b"00" && *next == b'-',
    };
    let legal = [version, trace, parent, flags].into_iter().all(hex);
    (legal && dashes && tail && version != b"ff" && any(trace) && any(parent)).then_some(trace)
}

fn random_map(rng: &mut SmallRng) -> HeaderMap {
    let mut map = HeaderMap::new();
    for _ in 0..rng.random_range(0..10) {
        let name = NAMES
            .get(rng.random_range(0..NAMES.len()))
            .copied()
            .unwrap_or("x");
        let value = random_value(rng);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            map.append(HeaderName::from_static(name), value);
        }
    }
    map
}

/// One of the known values, changed in a few places more often than not, or mere chance.
fn random_value(rng: &mut SmallRng) -> Vec<u8> {
    const LETTERS: &[u8] = b"0123456789abcdefABF.-_ \tHMSmun\x7f\x80\xff,;=\"\\\x01";
    let letter = |rng: &mut SmallRng| {
        LETTERS
            .get(rng.random_range(0..LETTERS.len()))
            .copied()
            .unwrap_or(b'0')
    };
    if rng.random_range(0..8) == 0 {
        let most = [4, 64, 66, 300][rng.random_range(0..4)];
        return (0..rng.random_range(0..most))
            .map(|_| letter(rng))
            .collect();
    }
    if rng.random_range(0..8) == 0 {
        let numbers = (0..rng.random_range(1..120))
            .map(|_| (rng.next_u32() >> rng.random_range(0..32)).to_string());
        return numbers.collect::<Vec<_>>().join(".").into_bytes();
    }
    let mut value = VALUES
        .get(rng.random_range(0..VALUES.len()))
        .copied()
        .unwrap_or_default()
        .to_vec();
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
