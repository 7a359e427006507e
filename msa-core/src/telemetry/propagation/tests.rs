//! What comes in and what goes on, header by header.
//!
//! The tables hold the rules that the W3C's own test-suite for Trace Context checks at level 2, case by case in its order
//! (<https://github.com/w3c/trace-context>); `trace-context-service` of msa-tests is the service for the suite itself.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::config::BaggageSettings;
use crate::txn::{Headers, Minter, SpanContext, Txn};

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    map
}

/// What a service that is asked so asks others.
fn through(propagation: &Propagation, headers: &[(&str, &str)], service: &str) -> HeaderMap {
    let headers = map(headers);
    let mut incoming = Headers::default().extract(&headers);
    propagation.extract(&headers, &mut incoming);
    let txn = Txn::from_incoming(
        &incoming,
        || Minter::seeded(1).mint(0),
        None,
        crate::clock::now(),
    );
    let mut sent = HeaderMap::new();
    propagation.inject(&txn.next_call(), 1, service, &mut sent);
    sent
}

fn with(formats: &[PropagationFormat]) -> Propagation {
    Propagation::new(&TelemetrySettings {
        propagation: formats.to_vec(),
        ..TelemetrySettings::default()
    })
}

fn passed_on(headers: &[(&str, &str)]) -> (SpanContext, Option<String>) {
    let sent = through(&Propagation::default(), headers, "other");
    assert_eq!(sent.get_all("traceparent").iter().count(), 1);
    let span = SpanContext::from_traceparent(sent["traceparent"].as_bytes()).unwrap();
    assert_ne!(format!("{:016x}", span.span_id()), PARENT);
    let state = sent.get("tracestate");
    (span, state.map(|state| state.to_str().unwrap().to_owned()))
}

fn goes_on(headers: &[(&str, &str)]) -> bool {
    format!("{:032x}", passed_on(headers).0.trace_id()) == TRACE
}

#[tokio::test(start_paused = true)]
async fn a_well_formed_traceparent_goes_on_and_any_other_begins_a_trace() {
    let parent = |version: &str, more: &str| format!("{version}-{TRACE}-{PARENT}-01{more}");
    let good = parent("00", "");
    assert!(!goes_on(&[]), "both missing");
    assert!(goes_on(&[("traceparent", &good)]), "no tracestate");
    let other = good.replace("12-1", "11-1");
    assert!(
        !goes_on(&[("traceparent", &other), ("traceparent", &good)]),
        "twice"
    );
    for name in ["trace-parent", "trace.parent"] {
        assert!(!goes_on(&[(name, &good)]), "{name}");
    }
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        assert!(goes_on(&[(name, &good)]), "{name}");
    }
    for (text, expected) in [
        (parent("00", "."), false),
        (parent("00", "-what-the-future-will-be-like"), false),
        (parent("cc", ""), true),
        (parent("cc", "-what-the-future-will-be-like"), true),
        (parent("cc", ".what-the-future-will-be-like"), false),
        (parent("ff", ""), false),
        // Illegal characters in the version, too long a one, too short a one.
        (parent(".0", ""), false),
        (parent("0.", ""), false),
        (parent("000", ""), false),
        (parent("0000", ""), false),
        (parent("0", ""), false),
        // The trace id: all zero, illegal, too long, too short.
        (good.replace(TRACE, &"0".repeat(32)), false),
        (good.replace(TRACE, &format!(".{}", &TRACE[1..])), false),
        (good.replace(TRACE, &format!("{}.", &TRACE[1..])), false),
        (good.replace(TRACE, &format!("{TRACE}3")), false),
        (good.replace(TRACE, &TRACE[1..]), false),
        // The parent id: the same.
        (
            good.replace(&format!("-{PARENT}-"), &format!("-{}-", "0".repeat(16))),
            false,
        ),
        (
            good.replace(&format!("-{PARENT}-"), &format!("-.{}-", &PARENT[1..])),
            false,
        ),
        (
            good.replace(&format!("-{PARENT}-"), &format!("-{}.-", &PARENT[1..])),
            false,
        ),
        (
            good.replace(&format!("-{PARENT}-"), &format!("-{PARENT}7-")),
            false,
        ),
        (
            good.replace(&format!("-{PARENT}-"), &format!("-{}-", &PARENT[1..])),
            false,
        ),
        // The flags: illegal, too long, too short.
        (good.replace("-01", "-.0"), false),
        (good.replace("-01", "-0."), false),
        (good.replace("-01", "-001"), false),
        (good.replace("-01", "-1"), false),
        // White space around it is HTTP's, and never reaches a header's value from the wire; inside it is illegal.
        (good.replace("-01", "- 01"), false),
    ] {
        assert_eq!(goes_on(&[("traceparent", &text)]), expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_flags_of_level_2_go_on() {
    for flags in ["00", "01", "02", "03"] {
        let parent = format!("00-{TRACE}-{PARENT}-{flags}");
        let (span, _) = passed_on(&[("traceparent", &parent)]);
        assert_eq!(format!("{:02x}", span.flags()), flags);
    }
    let (begun, _) = passed_on(&[]);
    assert!(begun.is_random(), "10 bytes of a minted id are random");
    let (named, _) = passed_on(&[("x-gtxid", "web.shop-4711")]);
    assert!(!named.is_random());
}

#[tokio::test(start_paused = true)]
async fn a_well_formed_tracestate_goes_on_with_its_traceparent_and_never_alone() {
    let good = format!("00-{TRACE}-{PARENT}-00");
    let bad = format!("00-{}-{PARENT}-00", "0".repeat(32));
    let goes_on_as = |more: &[(&str, &str)]| {
        let mut headers = vec![("traceparent", good.as_str())];
        headers.extend(more);
        let (span, state) = passed_on(&headers);
        assert_eq!(format!("{:032x}", span.trace_id()), TRACE, "{more:?}");
        state
    };
    assert_eq!(
        passed_on(&[("tracestate", "foo=1")]).1,
        None,
        "without traceparent"
    );
    assert_eq!(
        passed_on(&[("traceparent", &bad), ("tracestate", "foo=1,bar=2")]).1,
        None,
        "with a broken one"
    );
    for name in ["trace-state", "trace.state"] {
        assert_eq!(goes_on_as(&[(name, "foo=1")]), None);
    }
    for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        assert_eq!(goes_on_as(&[(name, "foo=1")]).as_deref(), Some("foo=1"));
    }
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (0x20..=0x7e_u8)
        .filter(|byte| !matches!(byte, b',' | b'='))
        .map(char::from)
        .collect();
    let all = format!("{key}@a-z0-9_-*/={value}");
    for (values, expected) in [
        (vec![""], None),
        (vec!["foo=1", ""], Some("foo=1")),
        (vec!["", "foo=1"], Some("foo=1")),
        (
            vec!["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            Some("foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ),
        (vec!["foo=1,foo=1"], Some("foo=1")),
        (vec!["foo=1,foo=2"], Some("foo=1")),
        (vec!["foo=1", "foo=1"], Some("foo=1")),
        (vec!["foo=1", "foo=2"], Some("foo=1")),
        (vec![&all], Some(all.as_str())),
        (
            vec!["foo=1 \t , \t bar=2, \t baz=3"],
            Some("foo=1,bar=2,baz=3"),
        ),
        (vec!["\t foo=1 \t"], Some("foo=1")),
        (vec!["foo =1"], None),
        (vec!["FOO=1"], None),
        (vec!["foo.bar=1"], None),
        (vec!["foo@=1,bar=2"], Some("foo@=1,bar=2")),
        (vec!["@foo=1,bar=2"], None),
        (vec!["foo@@bar=1,bar=2"], Some("foo@@bar=1,bar=2")),
        (vec!["foo@bar@baz=1,bar=2"], Some("foo@bar@baz=1,bar=2")),
        (vec!["foo=bar=baz"], None),
        (vec!["foo=,bar=3"], None),
    ] {
        let headers: Vec<_> = values.iter().map(|value| ("tracestate", *value)).collect();
        assert_eq!(goes_on_as(&headers).as_deref(), expected, "{values:?}");
    }
    // Members and the length of a key at their limits.
    let members = |n: usize| {
        (1..=n)
            .map(|i| format!("bar{i:02}={i:02}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(
        goes_on_as(&[("tracestate", &members(32))]),
        Some(members(32))
    );
    assert_eq!(goes_on_as(&[("tracestate", &members(33))]), None);
    for (key, expected) in [
        ("z".repeat(256), true),
        ("z".repeat(257), false),
        (format!("{}@{}", "t".repeat(241), "v".repeat(14)), true),
        (format!("{}@v", "t".repeat(242)), true),
        (format!("t@{}", "v".repeat(15)), true),
    ] {
        let (member, list) = (format!("{key}=1"), format!("foo=1,{key}=1"));
        let state = goes_on_as(&[("tracestate", "foo=1"), ("tracestate", &member)]);
        assert_eq!(state, expected.then_some(list));
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_span_of_its_own_within_one_trace() {
    let propagation = Propagation::default();
    let txn = Txn::begin();
    let (one, two) = (txn.next_call(), txn.next_call());
    let mut seen = std::collections::HashSet::new();
    for (call, attempt) in [(&one, 1), (&one, 2), (&two, 1), (&two, 2)] {
        let mut headers = HeaderMap::new();
        propagation.inject(call, attempt, "other", &mut headers);
        let span = SpanContext::from_traceparent(headers["traceparent"].as_bytes()).unwrap();
        assert_eq!(span.trace_id(), txn.gtxid().as_trace_id().unwrap());
        assert!(seen.insert(span.span_id()));
    }
    assert!(!seen.contains(&txn.span().span_id()));
}

#[tokio::test(start_paused = true)]
async fn of_several_formats_the_first_that_is_there_is_read_and_all_are_written() {
    let b3 = format!("{}-{PARENT}-1", "a".repeat(32));
    let both = [
        ("traceparent", &*format!("00-{TRACE}-{PARENT}-00")),
        ("b3", &b3),
    ];
    use PropagationFormat::{B3 as One, B3Multi, TraceContext};
    for (formats, trace, sampled) in [
        (vec![TraceContext, One], TRACE.to_owned(), false),
        (vec![One, TraceContext], "a".repeat(32), true),
        (vec![B3Multi, TraceContext], TRACE.to_owned(), false),
    ] {
        let propagation = with(&formats);
        let sent = through(&propagation, &both, "other");
        for name in propagation
            .names()
            .into_iter()
            .filter(|name| *name != "tracestate")
        {
            let value = sent[name].to_str().unwrap();
            match name {
                "x-b3-spanid" => assert_eq!(value.len(), 16),
                "x-b3-sampled" => assert_eq!(value == "1", sampled),
                _ => assert!(value.contains(&trace), "{name}: {value}"),
            }
        }
    }
    let silent = with(&[PropagationFormat::None]);
    assert!(through(&silent, &both, "other").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_decision_without_ids_begins_a_trace_that_keeps_it() {
    let propagation = with(&[PropagationFormat::B3]);
    let mut incoming = Incoming::default();
    propagation.extract(&map(&[("b3", "0")]), &mut incoming);
    assert_eq!((incoming.trace, incoming.sampled), (None, Some(false)));
    let sent = through(&propagation, &[("b3", "1")], "other");
    assert!(sent["b3"].to_str().unwrap().ends_with("-1"));
}

#[tokio::test(start_paused = true)]
async fn a_b3_trace_lends_its_id_to_a_request_without_a_gtxid() {
    let text = format!("{TRACE}-{PARENT}-1");
    let mut incoming = Incoming::default();
    with(&[PropagationFormat::B3]).extract(&map(&[("b3", &text)]), &mut incoming);
    assert_eq!(incoming.gtxid.unwrap().as_str(), TRACE);
}

#[tokio::test(start_paused = true)]
async fn baggage_goes_to_the_services_that_are_named_and_to_no_other() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let propagation = Propagation::new(&TelemetrySettings {
        baggage: BaggageSettings {
            services: names(&["audit-service"]),
            keys: [
                ("tenant_id".to_owned(), names(&["user_service"])),
                ("locale".to_owned(), names(&["*"])),
            ]
            .into(),
        },
        ..TelemetrySettings::default()
    });
    let came = [
        ("baggage", "tenant-id=7,session=s"),
        ("baggage", "locale=de"),
    ];
    for (service, expected) in [
        ("audit-service", Some("tenant-id=7,session=s,locale=de")),
        ("user-service", Some("tenant-id=7,locale=de")),
        ("partner.example", Some("locale=de")),
    ] {
        let sent = through(&propagation, &came, service);
        let sent = sent.get("baggage").map(|value| value.to_str().unwrap());
        assert_eq!(sent, expected, "{service}");
    }
    let by_default = through(&Propagation::default(), &came, "user-service");
    assert!(!by_default.contains_key("baggage"));
}

#[tokio::test(start_paused = true)]
async fn what_was_planted_by_hand_is_replaced() {
    let mut headers = map(&[
        ("traceparent", "planted"),
        ("tracestate", "planted=1"),
        ("baggage", "secret=1"),
    ]);
    let call = Txn::begin().next_call();
    Propagation::default().inject(&call, 1, "other", &mut headers);
    assert!(SpanContext::from_traceparent(headers["traceparent"].as_bytes()).is_some());
    assert!(!headers.contains_key("tracestate") && !headers.contains_key("baggage"));
}
