//! Reading and writing the transaction's headers.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::decimal::Decimal;
use super::ltxid::decimal;
use super::{Branch, Call, Criticality, Gtxid, Incoming, Ltxid, Rejected, Trust};

/// No caller waits longer than a day; more would overflow an instant sooner or later.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// No transaction needs more retries; a caller that allows thousands would have them multiply all the same.
const MOST_RETRIES: u32 = 100;

const GTXID: usize = 0;
const LTXID: usize = 1;
const BRANCH: usize = 2;
const ATTEMPT: usize = 3;
const TIMEOUT: usize = 4;
const RETRIES: usize = 5;
const CRITICALITY: usize = 6;
const TRACEPARENT: usize = 7;
const GRPC_TIMEOUT: usize = 8;
const ENVOY_TIMEOUT: usize = 9;
const FIELDS: usize = 10;

/// The names of the transaction's headers, and how to read and write them.
///
/// Reading allocates nothing; writing allocates the values only.
#[derive(Debug, Clone)]
pub struct Headers {
    names: [HeaderName; FIELDS],
    /// Bit n: a name of n bytes is among them. Most other headers are passed over by this alone.
    lengths: u64,
}

impl Default for Headers {
    fn default() -> Self {
        Self::named([
            HeaderName::from_static("x-gtxid"),
            HeaderName::from_static("x-ltxid"),
            HeaderName::from_static("x-txn-branch"),
            HeaderName::from_static("x-txn-attempt"),
            HeaderName::from_static("x-txn-timeout-ms"),
            HeaderName::from_static("x-txn-retries"),
            HeaderName::from_static("x-msa-criticality"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
        ])
    }
}

impl Headers {
    fn named(names: [HeaderName; FIELDS]) -> Self {
        let lengths = names
            .iter()
            .fold(0, |lengths, name| lengths | length_bit(name));
        Self { names, lengths }
    }

    /// The same with another name for the GTXID. Default `x-gtxid`.
    #[must_use]
    pub fn with_gtxid(self, name: HeaderName) -> Self {
        self.rename(GTXID, name)
    }

    /// The same with another name for the LTXID. Default `x-ltxid`.
    #[must_use]
    pub fn with_ltxid(self, name: HeaderName) -> Self {
        self.rename(LTXID, name)
    }

    /// The same with another name for the branch. Default `x-txn-branch`.
    #[must_use]
    pub fn with_branch(self, name: HeaderName) -> Self {
        self.rename(BRANCH, name)
    }

    /// The same with another name for the attempt. Default `x-txn-attempt`.
    #[must_use]
    pub fn with_attempt(self, name: HeaderName) -> Self {
        self.rename(ATTEMPT, name)
    }

    /// The same with another name for the timeout. Default `x-txn-timeout-ms`.
    #[must_use]
    pub fn with_timeout(self, name: HeaderName) -> Self {
        self.rename(TIMEOUT, name)
    }

    /// The same with another name for the retries. Default `x-txn-retries`.
    #[must_use]
    pub fn with_retries(self, name: HeaderName) -> Self {
        self.rename(RETRIES, name)
    }

    /// The same with another name for the criticality. Default `x-msa-criticality`.
    #[must_use]
    pub fn with_criticality(self, name: HeaderName) -> Self {
        self.rename(CRITICALITY, name)
    }

    fn rename(mut self, field: usize, name: HeaderName) -> Self {
        if let Some(slot) = self.names.get_mut(field) {
            *slot = name;
        }
        Self::named(self.names)
    }

    /// The name of the header that carries the GTXID, on requests and on responses.
    #[must_use]
    pub fn gtxid_name(&self) -> &HeaderName {
        let [gtxid, ..] = &self.names;
        gtxid
    }

    /// Whether this is the name of one of the headers, in any case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|ours| ours.as_str().eq_ignore_ascii_case(name))
    }

    /// Reads a request's headers, all of them believed.
    #[must_use]
    pub fn extract(&self, headers: &HeaderMap) -> Incoming {
        self.read(headers, true)
    }

    /// Reads a request's headers as far as its peer is believed: of a stranger's, the timeout only.
    #[must_use]
    pub fn extract_from(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        trust: &Trust,
    ) -> Incoming {
        self.read(headers, trust.believes(peer))
    }

    fn read(&self, headers: &HeaderMap, believed: bool) -> Incoming {
        let mut found = Incoming::default();
        let mut trace = None;
        let mut seen = Rejected::default();
        for (name, value) in headers {
            if self.lengths & length_bit(name) == 0 {
                continue;
            }
            let Some(field) = self.names.iter().position(|ours| ours == name) else {
                continue;
            };
            if !believed && !matches!(field, TIMEOUT | GRPC_TIMEOUT | ENVOY_TIMEOUT) {
                continue;
            }
            let repeated = seen.contains(field);
            seen.insert(field);
            let text = value.as_bytes();
            let well_formed = match field {
                // Two are none: which one would be right?
                GTXID => once(repeated, &mut found.gtxid, Gtxid::from_bytes(text).ok()),
                BRANCH => once(repeated, &mut found.branch, Branch::from_bytes(text).ok()),
                ATTEMPT => once(
                    repeated,
                    &mut found.attempt,
                    number(text).filter(|n| *n > 0),
                ),
                RETRIES => once(
                    repeated,
                    &mut found.retries,
                    number(text).map(|n| n.min(MOST_RETRIES)),
                ),
                CRITICALITY => once(
                    repeated,
                    &mut found.criticality,
                    Criticality::from_bytes(text).ok(),
                ),
                TRACEPARENT => once(repeated, &mut trace, trace_id(text)),
                LTXID => best(&mut found.ltxid, highest_hop(text), Ord::max),
                TIMEOUT | ENVOY_TIMEOUT => best(&mut found.timeout, milliseconds(text), Ord::min),
                _ => best(&mut found.timeout, grpc_timeout(text), Ord::min),
            };
            if !well_formed {
                found.rejected.insert(field);
            }
        }
        found.gtxid = found.gtxid.or(trace);
        found
    }

    /// The names of the headers that a request's [`Incoming::rejected`] stands for.
    pub fn rejected_names(&self, rejected: Rejected) -> impl Iterator<Item = &HeaderName> {
        self.names
            .iter()
            .enumerate()
            .filter(move |(field, _)| rejected.contains(*field))
            .map(|(_, name)| name)
    }

    /// Writes a call's headers over whatever stood there.
    ///
    /// `attempt` counts from 1; `timeout` is the time that this service will wait for the answer.
    pub fn inject(
        &self,
        call: &Call,
        attempt: u32,
        timeout: Option<Duration>,
        headers: &mut HeaderMap,
    ) {
        let [gtxid, ltxid, branch, tried, waits, retries, criticality, ..] = &self.names;
        let nothing_stood_there = headers.is_empty();
        headers.insert(gtxid, call.txn().gtxid_value().clone());
        headers.insert(ltxid, small_number(call.ltxid().get()));
        if let Ok(value) = HeaderValue::from_bytes(call.branch().as_bytes()) {
            headers.insert(branch, value);
        }
        headers.insert(tried, small_number(attempt));
        headers.insert(retries, small_number(call.txn().retries_left()));
        match timeout {
            Some(timeout) => {
                let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                headers.insert(waits, number_value(ms));
            }
            None if nothing_stood_there => {}
            None => {
                headers.remove(waits);
            }
        }
        match call.txn().criticality() {
            Criticality::Default if nothing_stood_there => {}
            Criticality::Default => {
                headers.remove(criticality);
            }
            level => {
                headers.insert(criticality, level.header_value());
            }
        }
    }
}

fn length_bit(name: &HeaderName) -> u64 {
    1 << (name.as_str().len() & 63)
}

/// Takes a value that may stand only once; tells whether it was well formed.
fn once<T>(repeated: bool, slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = if repeated { None } else { value };
    slot.is_some()
}

/// Keeps the better of several values; tells whether this one was well formed.
fn best<T: Copy>(slot: &mut Option<T>, value: Option<T>, better: fn(T, T) -> T) -> bool {
    if let Some(value) = value {
        *slot = Some(slot.map_or(value, |old| better(old, value)));
    }
    value.is_some()
}

/// A proxy may join repeated headers to one with commas: the highest counts here too.
fn highest_hop(text: &[u8]) -> Option<Ltxid> {
    let hops = text
        .split(|b| *b == b',')
        .map(|hop| Ltxid::from_bytes(hop.trim_ascii()).ok());
    hops.max().flatten()
}

fn number(text: &[u8]) -> Option<u32> {
    decimal(text).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn milliseconds(text: &[u8]) -> Option<Duration> {
    decimal(text).map(|ms| Duration::from_millis(ms).min(LONGEST_TIMEOUT))
}

/// gRPC over HTTP/2: at most 8 digits and a unit.
fn grpc_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    let n = decimal(digits).filter(|_| digits.len() <= 8)?;
    let timeout = match unit {
        b'H' => Duration::from_secs(n.saturating_mul(3600)),
        b'M' => Duration::from_secs(n.saturating_mul(60)),
        b'S' => Duration::from_secs(n),
        b'm' => Duration::from_millis(n),
        b'u' => Duration::from_micros(n),
        b'n' => Duration::from_nanos(n),
        _ => return None,
    };
    Some(timeout.min(LONGEST_TIMEOUT))
}

/// The trace id of a W3C `traceparent`: version, 32 digits, 16 digits, flags; a later version may be longer.
fn trace_id(text: &[u8]) -> Option<Gtxid> {
    let mut parts = text.splitn(5, |b| *b == b'-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &[u8], len| {
        part.len() == len && part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |part: &[u8]| part.iter().all(|b| *b == b'0');
    let legal = hex(version, 2)
        && version != b"ff"
        && hex(trace, 32)
        && !zero(trace)
        && hex(parent, 16)
        && !zero(parent)
        && hex(flags, 2)
        && (version != b"00" || parts.next().is_none());
    legal.then(|| Gtxid::from_bytes(trace).ok()).flatten()
}

/// Hops, attempts and retries are nearly always small: their values need no allocation.
fn small_number(n: u32) -> HeaderValue {
    const SMALL: [&str; 33] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
        "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
        "32",
    ];
    match SMALL.get(n as usize) {
        Some(text) => HeaderValue::from_static(text),
        None => number_value(n.into()),
    }
}

/// One allocation; the conversion that http has makes two.
fn number_value(n: u64) -> HeaderValue {
    // Digits are legal in a header, so the other arm is never taken.
    HeaderValue::from_bytes(Decimal::new(n).as_bytes()).unwrap_or_else(|_| HeaderValue::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::Txn;

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn read(headers: &[(&'static str, &str)]) -> Incoming {
        Headers::default().extract(&map(headers))
    }

    fn rejected(incoming: &Incoming) -> Vec<String> {
        Headers::default()
            .rejected_names(incoming.rejected)
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_one_service_writes_the_next_reads() {
        let headers = Headers::default();
        let call = Txn::begin().next_call();
        let mut map = HeaderMap::new();
        headers.inject(&call, 2, Some(Duration::from_millis(1500)), &mut map);
        let read = headers.extract(&map);
        assert_eq!(read.gtxid.as_ref(), Some(call.gtxid()));
        assert_eq!(read.ltxid, Some(call.ltxid()));
        assert_eq!(read.branch.as_ref(), Some(call.branch()));
        assert_eq!(read.attempt, Some(2));
        assert_eq!(read.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(read.retries, Some(2));
        assert!(read.rejected.is_empty());
    }

    #[test]
    fn injecting_replaces_what_a_caller_planted() {
        let mut planted = map(&[
            ("x-gtxid", "a"),
            ("x-gtxid", "b"),
            ("x-txn-timeout-ms", "9"),
            ("x-msa-criticality", "critical"),
        ]);
        let call = Txn::begin().next_call();
        Headers::default().inject(&call, 1, None, &mut planted);
        assert_eq!(planted.get_all("x-gtxid").iter().count(), 1);
        assert_eq!(planted["x-gtxid"], call.gtxid().as_str());
        assert!(
            !planted.contains_key("x-txn-timeout-ms") && !planted.contains_key("x-msa-criticality")
        );
    }

    #[test]
    fn two_gtxids_are_none() {
        let incoming = read(&[("x-gtxid", "a"), ("x-gtxid", "a")]);
        assert_eq!(incoming.gtxid, None);
        assert_eq!(rejected(&incoming), ["x-gtxid"]);
        assert_eq!(
            read(&[("x-gtxid", "a"), ("x-gtxid", "a"), ("x-gtxid", "a")]).gtxid,
            None
        );
    }

    #[test]
    fn of_several_hops_the_highest_counts() {
        assert_eq!(
            read(&[("x-ltxid", "33"), ("x-ltxid", "1")])
                .ltxid
                .unwrap()
                .get(),
            33
        );
        assert_eq!(read(&[("x-ltxid", "33, 1")]).ltxid.unwrap().get(), 33);
        assert_eq!(
            read(&[("x-ltxid", "x"), ("x-ltxid", "5")])
                .ltxid
                .unwrap()
                .get(),
            5
        );
    }

    #[test]
    fn a_trace_id_stands_in_for_a_missing_gtxid_only() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            read(&[("traceparent", PARENT)]).gtxid.unwrap().as_str(),
            TRACE
        );
        assert_eq!(
            read(&[("traceparent", PARENT), ("x-gtxid", "mine")])
                .gtxid
                .unwrap()
                .as_str(),
            "mine"
        );
        assert_eq!(
            read(&[("traceparent", PARENT), ("x-gtxid", "not one")])
                .gtxid
                .unwrap()
                .as_str(),
            TRACE
        );
        let later = format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-brings");
        assert_eq!(
            read(&[("traceparent", &later)]).gtxid.unwrap().as_str(),
            TRACE
        );
        for bad in [
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            String::new(),
        ] {
            assert_eq!(read(&[("traceparent", &bad)]).gtxid, None, "{bad}");
        }
    }

    #[test]
    fn the_shortest_of_three_kinds_of_timeout_counts() {
        let ms = |headers: &[(&'static str, &str)]| {
            read(headers).timeout.map(|timeout| timeout.as_millis())
        };
        assert_eq!(
            ms(&[("x-txn-timeout-ms", "300"), ("grpc-timeout", "2S")]),
            Some(300)
        );
        assert_eq!(
            ms(&[
                ("x-envoy-expected-rq-timeout-ms", "70"),
                ("grpc-timeout", "100m")
            ]),
            Some(70)
        );
        assert_eq!(ms(&[("grpc-timeout", "1H")]), Some(3_600_000));
        assert_eq!(
            ms(&[("x-txn-timeout-ms", "18446744073709551615")]),
            Some(86_400_000)
        );
        for bad in ["", "S", "1", "123456789S", "1s", "-1S", "1 S"] {
            assert_eq!(ms(&[("grpc-timeout", bad)]), None, "{bad:?}");
        }
        assert_eq!(ms(&[("x-txn-timeout-ms", "-1")]), None);
    }

    #[test]
    fn what_is_not_well_formed_is_named_and_ignored() {
        let incoming = read(&[
            ("x-gtxid", "a b"),
            ("x-ltxid", "0"),
            ("x-txn-branch", "1..2"),
            ("x-txn-attempt", "0"),
            ("x-txn-retries", "-3"),
            ("x-msa-criticality", "CRITICAL"),
        ]);
        assert_eq!(
            rejected(&incoming),
            [
                "x-gtxid",
                "x-ltxid",
                "x-txn-branch",
                "x-txn-attempt",
                "x-txn-retries",
                "x-msa-criticality"
            ]
        );
        let Incoming {
            gtxid: None,
            ltxid: None,
            branch: None,
            attempt: None,
            retries: None,
            criticality: None,
            ..
        } = incoming
        else {
            unreachable!("{incoming:?}")
        };
    }

    #[test]
    fn bytes_that_are_not_text_are_not_well_formed() {
        let mut map = HeaderMap::new();
        map.insert("x-gtxid", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        assert_eq!(Headers::default().extract(&map).gtxid, None);
    }

    #[test]
    fn of_a_stranger_only_the_timeout_is_read() {
        let trust = Trust::networks(["10.0.0.0/8".parse().unwrap()]);
        let map = map(&[
            ("x-gtxid", "a"),
            ("x-ltxid", "40"),
            ("x-msa-criticality", "critical"),
            ("x-txn-timeout-ms", "5"),
        ]);
        let read = |peer: &str| Headers::default().extract_from(&map, peer.parse().ok(), &trust);
        let stranger = read("192.0.2.1");
        assert!(
            stranger.gtxid.is_none() && stranger.ltxid.is_none() && stranger.criticality.is_none()
        );
        assert_eq!(stranger.timeout, Some(Duration::from_millis(5)));
        assert!(read("10.0.0.1").gtxid.is_some());
    }

    #[test]
    fn the_names_can_be_chosen() {
        let headers = Headers::default().with_gtxid(HeaderName::from_static("x-request-id"));
        let call = Txn::begin().next_call();
        let mut map = HeaderMap::new();
        headers.inject(&call, 1, None, &mut map);
        assert!(map.contains_key("x-request-id") && !map.contains_key("x-gtxid"));
        assert_eq!(headers.extract(&map).gtxid.as_ref(), Some(call.gtxid()));
    }
}
