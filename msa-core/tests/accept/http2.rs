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
