//! HTTP/2: idle time, rapid reset, drain.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use msa_core::clock;
use msa_core::health::Phase;
use msa_core::server::accept::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::*;
use crate::timeouts::{HEAD, IDLE, assert_about};

const LAG: Duration = Duration::from_secs(5);

async fn connect(serving: &Serving) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(serving.connect());
    let (requests, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    (requests, tokio::spawn(connection))
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_sent_away_and_a_busy_one_is_not() {
    let serving = Serving::start();
    let (mut requests, connection) = connect(&serving).await;
    let request = |path: &str| {
        Request::get(format!("http://a{path}"))
            .body(Body::empty())
            .unwrap()
    };
    let response = requests.send_request(request("/wait")).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(response);
    let begun = clock::now();
    connection.await.unwrap().unwrap();
    let took = clock::since(begun).as_millis();
    assert!((IDLE..IDLE + 100).contains(&took), "{took} ms");
    assert!(requests.is_closed());
}

#[tokio::test(start_paused = true)]
async fn half_an_http2_preface_is_half_a_head() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let (took, _) = closed_after(&mut io).await;
    assert_about(took, HEAD);
}

#[tokio::test(start_paused = true)]
async fn http2_gets_a_goaway_when_the_drain_begins_and_its_requests_end() {
    let serving = Serving::start();
    let (mut requests, connection) = connect(&serving).await;
    let soon = requests.send_request(Request::get("http://a/soon").body(Body::empty()).unwrap());
    sleep(Duration::from_secs(1)).await;
    serving.lifecycle.advance(Phase::Draining);
    let response = soon.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-msa-draining"], "1");
    assert!(!response.headers().contains_key("connection"));
    drop(response);
    // Long before the listener closes.
    connection.await.unwrap().unwrap();
    assert!(requests.is_closed());
}

/// A client that finds its socket broken when it writes does not read the GOAWAY any more, and so does not learn that its
/// request was never processed.
#[tokio::test]
async fn a_request_that_crosses_the_goaway_does_not_cost_the_client_the_goaway() {
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const HEADERS: &[u8] = b"\0\0\x04\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a"; // cut short: never a request
    let listening = Listening::with(Limits::default());
    let mut stream = listening.connect().await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    stream.write_all(SETTINGS).await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap(); // its SETTINGS: it speaks HTTP/2 with us
    listening.lifecycle.advance(Phase::Draining);
    let mut said = Vec::new();
    // Its PING asks whether the first GOAWAY has arrived; the answer makes it close.
    let ping = loop {
        let mut chunk = [0; 1024];
        let n = stream.read(&mut chunk).await.unwrap();
        assert!(n > 0, "closed before it asked");
        said.extend_from_slice(&chunk[..n]);
        let asked = |frame: &[u8]| frame[..5] == [0, 0, 8, 6, 0];
        if let Some(frame) = said.windows(17).find(|frame| asked(frame)) {
            break frame.to_vec();
        }
    };
    let mut pong = ping;
    pong[4] = 1;
    stream.write_all(&pong).await.unwrap();
    // A request that was begun before the GOAWAY was read; a peer that has closed altogether answers the first write with
    // a reset, and the second fails.
    for _ in 0..3 {
        sleep(Duration::from_millis(50)).await;
        stream.write_all(HEADERS).await.unwrap();
    }
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    let goaway = |frame: &[u8]| frame[3] == 7 && frame[9..17] == [0; 8];
    assert!(
        rest.windows(17).any(goaway),
        "the last GOAWAY, of stream 0 and without an error: {rest:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn http2_requests_that_do_not_end_are_cut_and_named() {
    let serving = Serving::start();
    let (mut requests, _connection) = connect(&serving).await;
    let wait = requests.send_request(Request::get("http://a/wait").body(Body::empty()).unwrap());
    let streamed =
        requests.send_request(Request::get("http://a/stream").body(Body::empty()).unwrap());
    let streamed = streamed.await.unwrap();
    let report = serving.drain(LAG).await;
    let mut cut: Vec<_> = report.cut.iter().map(|cut| cut.path.as_str()).collect();
    cut.sort_unstable();
    assert_eq!(cut, ["/stream", "/wait"]);
    assert_eq!(report.stuck, 0);
    assert!(wait.await.is_err());
    drop(streamed);
}

#[tokio::test(start_paused = true)]
async fn an_http2_peer_that_confirms_no_goodbye_does_not_hold_the_drain_up() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    let report = serving.drain(LAG).await;
    assert!(report.is_clean());
    assert!(report.took <= Duration::from_secs(3), "{:?}", report.took);
    let mut said = Vec::new();
    io.read_to_end(&mut said).await.unwrap();
    // A frame of type 7: GOAWAY.
    assert!(
        said.windows(5).any(|at| at[3] == 7 && at[0] == 0),
        "{said:?}"
    );
}

#[tokio::test]
async fn an_http2_peer_that_opens_and_resets_streams_rapidly_is_sent_away() {
    let listening = Listening::with(Limits::default());
    let mut io = listening.connect().await;
    let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for n in 0..1000_u32 {
        let stream = (2 * n + 1).to_be_bytes();
        // HEADERS with END_STREAM and END_HEADERS: GET http://a/ from the static table.
        let block = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
        frames.extend_from_slice(&[0, 0, block.len() as u8, 1, 0x5]);
        frames.extend_from_slice(&stream);
        frames.extend_from_slice(&block);
        // RST_STREAM: CANCEL.
        frames.extend_from_slice(&[0, 0, 4, 3, 0]);
        frames.extend_from_slice(&stream);
        frames.extend_from_slice(&[0, 0, 0, 8]);
    }
    io.write_all(&frames).await.unwrap();
    let mut said = Vec::new();
    // It may end with a reset, for it does not read on.
    let _ = io.read_to_end(&mut said).await;
    // GOAWAY with ENHANCE_YOUR_CALM.
    let goaway = said
        .windows(17)
        .any(|at| at[3] == 7 && at[13..17] == [0, 0, 0, 11]);
    assert!(goaway, "{said:?}");
}
