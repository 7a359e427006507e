//! Writing what a call takes along.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::Headers;
use crate::txn::decimal::Decimal;
use crate::txn::{Call, Criticality};

impl Headers {
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
