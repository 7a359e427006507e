//! Reading what a request brought, in one pass over its headers and without an allocation.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderMap;

use super::{
    ATTEMPT, BRANCH, CRITICALITY, ENVOY_TIMEOUT, GRPC_TIMEOUT, GTXID, Headers, LTXID, RETRIES,
    TIMEOUT, TRACEPARENT, length_bit,
};
use crate::txn::ltxid::decimal;
use crate::txn::{Branch, Criticality, Gtxid, Incoming, Ltxid, Rejected, SpanContext, Trust};

/// No caller waits longer than a day; more would overflow an instant sooner or later.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// No transaction needs more retries; a caller that allows thousands would have them multiply all the same.
const MOST_RETRIES: u32 = 100;

impl Headers {
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
                TRACEPARENT => once(
                    repeated,
                    &mut found.trace,
                    SpanContext::from_traceparent(text),
                ),
                LTXID => best(&mut found.ltxid, highest_hop(text), Ord::max),
                TIMEOUT | ENVOY_TIMEOUT => best(&mut found.timeout, milliseconds(text), Ord::min),
                _ => best(&mut found.timeout, grpc_timeout(text), Ord::min),
            };
            if !well_formed {
                found.rejected.insert(field);
            }
        }
        if let Some(caller) = found.trace {
            found.sampled = Some(caller.is_sampled());
            found
                .gtxid
                .get_or_insert_with(|| Gtxid::from_u128(caller.trace_id()));
        }
        found
    }
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
