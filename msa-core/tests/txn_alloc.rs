//! What the transaction allocates: nothing to read it, and to write it the values that are not the same for every call.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use http::{HeaderMap, HeaderValue};
use msa_core::txn::{Call, Gtxid, Headers, Txn};

const TIMEOUT: Option<Duration> = Some(Duration::from_millis(2500));

/// Allocations of this thread.
fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

fn txn() -> Txn {
    Txn::root("0196b2f0c0de00112233445566778899".parse::<Gtxid>().unwrap())
}

/// Headers of somebody else, and room for ours: a map that grows is the map's doing.
fn roomy() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(32);
    headers.insert("user-agent", HeaderValue::from_static("Mozilla/5.0"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers
}

fn inject(call: &Call, timeout: Option<Duration>, headers: &mut HeaderMap) {
    Headers::default().inject(black_box(call), 1, timeout, headers);
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn reading_allocates_nothing() {
    let names = Headers::default();
    let mut ours = roomy();
    inject(&txn().next_call(), TIMEOUT, &mut ours);
    let mut hostile = ours.clone();
    for name in ["x-gtxid", "x-ltxid", "x-txn-branch", "x-txn-timeout-ms"] {
        let text = "9".repeat(65_536);
        hostile.append(name, HeaderValue::from_str(&text).unwrap());
    }
    let mut traced = roomy();
    let parent = "00-0196b2f0c0de00112233445566778899-0011223344556677-01";
    traced.insert("traceparent", HeaderValue::from_static(parent));
    for headers in [roomy(), ours, hostile, traced] {
        let mut incoming = None;
        assert_eq!(
            allocations(|| incoming = Some(names.extract(black_box(&headers)))),
            0,
            "{incoming:?}"
        );
    }
}

#[test]
fn writing_allocates_the_gtxid_once_and_branch_and_timeout_each_time() {
    let txn = txn();
    let (first, second) = (txn.next_call(), txn.next_call());
    let mut headers = roomy();
    // The id's value: its bytes, and the count of who shares them when it is shared for the first time.
    assert_eq!(allocations(|| inject(&first, TIMEOUT, &mut headers)), 4);
    // Branch and timeout. Hop, attempt and retries are small numbers, whose values are there already.
    assert_eq!(allocations(|| inject(&second, TIMEOUT, &mut headers)), 2);
    assert_eq!(allocations(|| inject(&second, None, &mut headers)), 1);
    assert!(!headers.contains_key("x-txn-timeout-ms"));
}

#[test]
fn a_fresh_map_allocates_itself_and_no_more_values() {
    let txn = txn();
    let _shared = txn.gtxid_value().clone();
    let call = txn.next_call();
    let mut headers = HeaderMap::new();
    let map = allocations(|| headers.reserve(8));
    assert!(map > 0);
    assert_eq!(allocations(|| inject(&call, TIMEOUT, &mut headers)), 2);
}
