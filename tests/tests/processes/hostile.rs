//! What no caller of good will sends.

use std::net::SocketAddr;

use msa_tests::http::{self, Request};
use msa_tests::{Cluster, Process};

/// Sends it and takes whatever comes, also a closed connection; but no 5xx other than 508, and the service lives.
fn survives(name: &str, addr: SocketAddr, request: &Request) -> Option<http::Response> {
    let answer = request.send().ok();
    if let Some(answer) = &answer {
        assert!(
            answer.status < 500,
            "{name}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let alive = http::get(addr, "/users/1").send().unwrap();
    assert_eq!(alive.status, 200, "after {name}");
    answer
}

/// No byte of a header reaches the log as it is: each line is one JSON document without control characters.
fn assert_clean_log(process: &Process) {
    for line in process.log().lines() {
        assert!(line.json.is_some(), "not JSON: {:?}", line.raw);
        assert!(
            !line.raw.chars().any(char::is_control),
            "control characters: {:?}",
            line.raw
        );
        assert!(
            line.raw.len() < 16 * 1024,
            "a line of {} bytes",
            line.raw.len()
        );
    }
}

#[test]
fn ids_that_are_not_well_formed_are_replaced_and_never_logged() {
    let mut cluster = Cluster::builder()
        .env("user-service", "RUST_LOG", "debug")
        .start()
        .unwrap();
    let addr = cluster.addr("user-service").unwrap();
    let long = "a".repeat(65);
    let longer = "a".repeat(60 * 1024);
    let bad: [&[u8]; 10] = [
        b"",
        b"a b",
        b"\"},\"level\":\"FATAL",
        b"a\\nb",
        b"<script>",
        b"\xff\xfe",
        "\u{202e}gnol".as_bytes(),
        b"a\tb",
        long.as_bytes(),
        longer.as_bytes(),
    ];
    for id in bad {
        let name = String::from_utf8_lossy(id).into_owned();
        let request = http::get(addr, "/users/1").header("x-gtxid", id);
        let Some(answer) = survives(&name, addr, &request) else {
            continue;
        };
        if answer.status == 200 {
            assert_eq!(
                answer.header("x-gtxid").unwrap().len(),
                32,
                "minted in place of {name:?}"
            );
        }
    }
    let twice = http::get(addr, "/users/1")
        .header("x-gtxid", "one")
        .header("x-gtxid", "two");
    let answer = survives("two ids", addr, &twice).unwrap();
    assert_eq!(answer.header("x-gtxid").unwrap().len(), 32, "two are none");

    cluster.drain().unwrap();
    let process = cluster.process("user-service").unwrap();
    assert_clean_log(process);
    for line in process.log().lines() {
        assert!(
            !line.raw.contains("FATAL") && !line.raw.contains("<script"),
            "{}",
            line.raw
        );
    }
}

#[test]
fn hops_and_branches_that_are_none_are_ignored() {
    let mut cluster = Cluster::start().unwrap();
    let addr = cluster.addr("user-service").unwrap();
    let long = "1.".repeat(500) + "1";
    let cases = [
        ("x-ltxid", "0"),
        ("x-ltxid", "-1"),
        ("x-ltxid", "1e3"),
        ("x-ltxid", "+2"),
        ("x-ltxid", "0x2"),
        ("x-txn-branch", "1..2"),
        ("x-txn-branch", "../../etc"),
        ("x-txn-branch", long.as_str()),
        ("x-txn-attempt", "-3"),
        ("x-txn-timeout-ms", "99999999999999999999"),
        ("x-txn-timeout-ms", "NaN"),
        ("x-txn-retries", "4294967296"),
        ("x-msa-criticality", "most"),
        ("traceparent", "00-0000-0-0"),
    ];
    for (n, (name, value)) in cases.iter().enumerate() {
        let gtxid = format!("case-{n}");
        let request = http::get(addr, "/users/1")
            .header("x-gtxid", &gtxid)
            .header(name, value);
        let answer = survives(&format!("{name}: {value}"), addr, &request).unwrap();
        assert_eq!(answer.status, 200, "{name}: {value}: {}", answer.text());
    }
    cluster.drain().unwrap();
    let process = cluster.process("user-service").unwrap();
    for (n, case) in cases.iter().enumerate() {
        let lines = process.access_of(&format!("case-{n}"));
        assert_eq!(lines.len(), 1);
        let place = (lines[0].ltxid, lines[0].branch.as_str());
        assert_eq!(place, (1, "1"), "{case:?}");
    }
    assert_clean_log(process);
}

#[test]
fn bytes_that_are_not_http_do_no_harm() {
    let mut cluster = Cluster::start().unwrap();
    let addr = cluster.addr("user-service").unwrap();
    let get = || http::get(addr, "/users/1");
    let many = (0..5000).fold(get(), |request, n| request.header(format!("x-{n}"), "v"));
    for (name, request) in [
        ("a control character", get().header("x-gtxid", b"a\x01b")),
        ("an escape sequence", get().header("x-gtxid", b"\x1b[2J")),
        ("a NUL", get().header("x-gtxid", b"a\x00b")),
        ("a second line", get().header("x-gtxid", b"a\r\nx-ltxid: 9")),
        ("an empty name", get().header("", "v")),
        ("5000 headers", many),
        (
            "10 MB of one header",
            get().header("x-big", vec![b'a'; 10_000_000]),
        ),
        (
            "an endless path",
            http::get(addr, format!("/users/{}", "1".repeat(200_000))),
        ),
        ("a path of escapes", http::get(addr, "/users/%00%ff%0a")),
        ("no method", Request::new("", addr, "/users/1")),
        ("a strange method", Request::new("\u{7f}", addr, "/users/1")),
    ] {
        survives(name, addr, &request);
    }
    cluster.drain().unwrap();
    assert_clean_log(cluster.process("user-service").unwrap());
}

#[test]
fn bodies_that_are_no_order_are_told_where_they_are_wrong() {
    let cluster = Cluster::start().unwrap();
    let addr = cluster.addr("order-orchestrator").unwrap();
    let post = |body: &[u8]| {
        Request::new("POST", addr, "/orders")
            .header("content-type", "application/json")
            .body(body)
    };
    let cases: [(&[u8], u16, &[&str]); 12] = [
        (b"", 400, &[]),
        (b"{", 400, &[]),
        (b"\xff\xfe", 400, &[]),
        (b"[]", 422, &["must be an object"]),
        (b"{}", 422, &["#/user_id\"", "#/items\"", "is missing"]),
        (br#"{"user_id": "1", "items": [{"sku": "a", "quantity": 0}]}"#, 422, &["#/user_id\"", "#/items/0/quantity\""]),
        (br#"{"user_id": 1, "items": []}"#, 422, &["#/items\"", "1 to 32 items"]),
        (br#"{"user_id": 1, "items": [{"sku": "a", "quantity": -1}]}"#, 422, &["#/items/0/quantity\"", "items[0].quantity"]),
        (br#"{"user_id": 1, "items": [{"sku": "a"}]}"#, 422, &["#/items/0/quantity\"", "is missing"]),
        (br#"{"user_id": 1, "items": [{"sku": "../x", "quantity": 1}]}"#, 422, &["#/items/0/sku\""]),
        (br#"{"user_id": 1, "items": [{"sku": "a", "quantity": 1}, {"sku": "a", "quantity": 1}]}"#, 422, &["#/items/1\"", "sku"]),
        (br#"{"userid": 1, "items": [{"sku": "a", "quantity": 1}]}"#, 422, &["did you mean user_id", "#/user_id\""]),
    ];
    for (body, status, told) in cases {
        let answer = post(body).send().unwrap();
        let text = answer.text();
        assert_eq!(answer.status, status, "{text}");
        assert!(answer.is_problem(), "{text}");
        for told in told {
            assert!(text.contains(told), "{told}: {text}");
        }
        for rust in ["u32", "i64", "struct", "Wanted"] {
            assert!(!text.contains(rust), "{text}");
        }
    }
    let form = Request::new("POST", addr, "/orders")
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(form.send().unwrap().status, 415);
    let big = post(&vec![b' '; 3 * 1024 * 1024]).send();
    assert!(big.is_err() || big.unwrap().status == 413);
    let deep = "[".repeat(100_000);
    assert!(matches!(
        post(deep.as_bytes()).send().unwrap().status,
        400 | 422
    ));
    for (name, value) in [("idempotency-key", ""), ("idempotency-key", "a b")] {
        let answer = post(br#"{"user_id": 1, "items": [{"sku": "MUG-BLUE", "quantity": 1}]}"#)
            .header(name, value);
        let answer = answer.send().unwrap();
        assert_eq!(
            (answer.status, answer.is_problem()),
            (400, true),
            "{}",
            answer.text()
        );
    }
}
