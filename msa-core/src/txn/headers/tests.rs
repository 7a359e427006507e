//! What is read and written, header by header.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Headers;
use crate::txn::{Incoming, Trust, Txn};

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
    let ms =
        |headers: &[(&'static str, &str)]| read(headers).timeout.map(|timeout| timeout.as_millis());
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
    assert!(stranger.gtxid.is_none() && stranger.ltxid.is_none() && stranger.criticality.is_none());
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
