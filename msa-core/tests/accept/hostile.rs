//! Peers that speak badly, on real sockets.

use msa_core::server::accept::Limits;
use tokio::io::AsyncWriteExt;

use crate::support::*;

async fn status(request: &[u8]) -> String {
    let listening = Listening::with(Limits::default());
    let said = listening.ask(request).await;
    assert_problem(&said);
    // It goes on serving.
    assert!(
        listening
            .ask(b"GET / HTTP/1.0\r\n\r\n")
            .await
            .ends_with("hello")
    );
    said.get(9..12).unwrap_or_default().to_owned()
}

/// An error has a body that says so.
#[track_caller]
fn assert_problem(said: &str) {
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let status = head.get(9..12).unwrap();
    if status < "400" {
        return;
    }
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
    assert!(head.contains("connection: close"), "{head}");
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["status"].to_string(), status);
    assert!(document["detail"].is_string(), "{document}");
}

#[tokio::test]
async fn a_head_above_64_kib_is_answered_431() {
    let mut request = b"GET / HTTP/1.1\r\nhost: a\r\nx-gtxid: ".to_vec();
    request.resize(request.len() + 64 * 1024, b'a');
    request.extend_from_slice(b"\r\n\r\n");
    assert_eq!(status(&request).await, "431");
}

#[tokio::test]
async fn a_head_below_64_kib_is_answered() {
    let mut request = b"GET / HTTP/1.0\r\nx-long: ".to_vec();
    request.resize(63 * 1024, b'a');
    request.extend_from_slice(b"\r\n\r\n");
    assert_eq!(status(&request).await, "200");
}

#[tokio::test]
async fn who_sends_a_header_of_10_mb_still_hears_431() {
    let mut request = b"GET / HTTP/1.1\r\nhost: a\r\nx-huge: ".to_vec();
    request.resize(10 * 1024 * 1024, b'a');
    request.extend_from_slice(b"\r\n\r\n");
    assert_eq!(status(&request).await, "431");
}

#[tokio::test]
async fn too_many_headers_are_answered_431() {
    let mut request = b"GET / HTTP/1.1\r\nhost: a\r\n".to_vec();
    for n in 0..101 {
        request.extend_from_slice(format!("x-{n}: 1\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    assert_eq!(status(&request).await, "431");
}

#[tokio::test]
async fn what_is_no_http_is_answered_400() {
    for request in [
        &b"GET / HTTP/1.1\r\nx-bad: a\x00b\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nx-bad: a\x07b\r\n\r\n",
        b"GET / HTTP/1.1\r\nx bad: 1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    ] {
        assert_eq!(
            status(request).await,
            "400",
            "{:?}",
            request.escape_ascii().to_string()
        );
    }
}

#[tokio::test]
async fn an_upload_that_nobody_reads_still_hears_its_answer() {
    let listening = Listening::with(Limits::default());
    let mut request =
        b"POST /ignore HTTP/1.1\r\nhost: a\r\ncontent-length: 10000000\r\n\r\n".to_vec();
    request.resize(request.len() + 10_000_000, b'a');
    assert!(listening.ask(&request).await.ends_with("ignored"));
}

#[tokio::test]
async fn a_target_above_64_kib_is_answered_414() {
    let mut request = b"GET /".to_vec();
    request.resize(70_000, b'a');
    request.extend_from_slice(b" HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut limits = Limits::default();
    limits.max_header_bytes = 1024 * 1024;
    let said = Listening::with(limits).ask(&request).await;
    assert!(said.starts_with("HTTP/1.1 414 "), "{said}");
    assert_problem(&said);
}

#[tokio::test]
async fn an_unreadable_head_after_good_requests_is_explained_too_and_pipelined_answers_stay_whole()
{
    let serving = Serving::start();
    let mut pipe = serving.connect();
    for _ in 0..2 {
        pipe.write_all(HELLO).await.unwrap();
        assert!(answer(&mut pipe, "hello").await.starts_with("HTTP/1.1 200"));
    }
    pipe.write_all(b"GET / HTTP/1.1\r\nx bad: 1\r\n\r\n")
        .await
        .unwrap();
    assert_problem(&rest(&mut pipe).await);

    let mut pipe = serving.connect();
    let pipelined = [HELLO, b"GET / HTTP/1.1\r\nx bad: 1\r\n\r\n"].concat();
    pipe.write_all(&pipelined).await.unwrap();
    let said = rest(&mut pipe).await;
    let (first, second) = said.split_once("hello").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(second.starts_with("HTTP/1.1 400 "), "{said}");
}

#[tokio::test]
async fn a_request_of_http_1_has_one_host() {
    for (request, expected) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "400"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        (b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nhost: u@a\r\n\r\n", "400"),
        (b"GET /livez HTTP/1.1\r\n\r\n", "400"),
        (
            b"POST /echo HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
            "400",
        ),
        (
            b"GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (
            b"GET / HTTP/1.1\r\nhost: [::1]:80\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (b"GET / HTTP/1.0\r\n\r\n", "200"),
    ] {
        let text = request.escape_ascii().to_string();
        assert_eq!(status(request).await, expected, "{text}");
    }
}
