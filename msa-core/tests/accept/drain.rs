//! The drain.

use std::time::Duration;

use http::Request;
use hyper_util::rt::TokioExecutor;
use msa_core::clock;
use msa_core::health::Phase;
use msa_core::server::accept::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::support::*;

const LAG: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn during_the_lag_requests_are_answered_and_told_to_go_elsewhere() {
    let serving = Serving::start();
    let mut kept = serving.connect();
    kept.write_all(HELLO).await.unwrap();
    let before = answer(&mut kept, "hello").await;
    assert!(
        !before.contains("x-msa-draining") && !before.contains("connection: close"),
        "{before}"
    );
    serving.lifecycle.advance(Phase::Draining);
    sleep(Duration::from_secs(1)).await;
    // The idle connection was left alone, for its client may be about to use it.
    kept.write_all(HELLO).await.unwrap();
    let mut fresh = serving.connect();
    fresh.write_all(HELLO).await.unwrap();
    for said in [rest(&mut kept).await, rest(&mut fresh).await] {
        assert!(
            said.starts_with("HTTP/1.1 200 ") && said.ends_with("hello"),
            "{said}"
        );
        assert!(
            said.contains("x-msa-draining: 1\r\n") && said.contains("connection: close\r\n"),
            "{said}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_ends_and_the_rest_is_closed_at_once() {
    let serving = Serving::start();
    let (mut silent, mut half, mut idle, mut busy) = (
        serving.connect(),
        serving.connect(),
        serving.connect(),
        serving.connect(),
    );
    idle.write_all(HELLO).await.unwrap();
    answer(&mut idle, "hello").await;
    sleep(LAG).await;
    half.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    busy.write_all(b"GET /soon HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(1)).await;
    let closing = clock::now();
    serving.lifecycle.advance(Phase::Closing);
    for io in [&mut silent, &mut half, &mut idle] {
        assert_eq!(rest(io).await, "");
    }
    assert!(clock::since(closing) <= Duration::from_millis(101));
    let said = rest(&mut busy).await;
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.ends_with("soon"),
        "{said}"
    );
    let report = serving.task.await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.open, 4);
    assert_eq!(report.took.as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_at_the_deadline_and_named() {
    let serving = Serving::start();
    let mut waiting = serving.connect();
    waiting
        .write_all(b"GET /wait?secret=1 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut stalled = serving.connect();
    stalled
        .write_all(b"POST /pause HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\na")
        .await
        .unwrap();
    let mut streaming = serving.connect();
    streaming
        .write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut upgraded = serving.connect();
    upgraded
        .write_all(
            b"GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
        )
        .await
        .unwrap();
    answer(&mut upgraded, "\r\n\r\n").await;
    upgraded.write_all(b"ping").await.unwrap();
    answer(&mut upgraded, "ping").await;

    let report = serving.drain(LAG).await;
    assert_eq!(report.took.as_secs(), 20);
    let mut cut: Vec<_> = report.cut.iter().map(ToString::to_string).collect();
    cut.sort();
    assert_eq!(
        cut,
        [
            format!("GET \"/stream\" from {PEER}"),
            format!("GET \"/upgrade\" from {PEER} (upgraded)"),
            format!("GET \"/wait\" from {PEER}"),
            format!("POST \"/pause\" from {PEER}"),
        ]
    );
    assert_eq!((report.cut_total, report.stuck), (4, 0));
    assert_eq!(rest(&mut waiting).await, "");
}

#[tokio::test(start_paused = true)]
async fn an_answer_under_way_is_written_to_its_end_or_counted() {
    let serving = Serving::start();
    let (mut slow, mut never) = (serving.connect(), serving.connect());
    for io in [&mut slow, &mut never] {
        io.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
    }
    let reading = tokio::spawn(async move {
        sleep(Duration::from_secs(10)).await;
        rest(&mut slow).await.len()
    });
    let report = serving.drain(LAG).await;
    assert!(reading.await.unwrap() > 8 * 1024 * 1024);
    assert_eq!((report.cut_total, report.unread, report.stuck), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn more_cut_requests_than_the_report_names_are_counted() {
    let serving = Serving::start();
    let mut open = Vec::new();
    for _ in 0..150 {
        let mut io = serving.connect();
        io.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        open.push(io);
    }
    sleep(Duration::from_millis(10)).await;
    let report = serving.drain(Duration::ZERO).await;
    assert_eq!(
        (report.cut.len(), report.cut_total, report.stuck),
        (100, 150, 0)
    );
}

#[tokio::test]
async fn a_hundred_hostile_connections_do_not_hold_the_exit_up() {
    let limits = {
        let mut limits = Limits::default();
        limits.drain_deadline = Duration::from_millis(300);
        limits
    };
    let listening = Listening::with(limits);
    let mut open = Vec::new();
    for n in 0..100 {
        let mut io = listening.connect().await;
        match n % 3 {
            0 => {}
            1 => io.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap(),
            _ => io
                .write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\na")
                .await
                .unwrap(),
        }
        open.push(io);
    }
    // Until the last of them is being handled.
    assert!(
        listening
            .ask(b"GET / HTTP/1.0\r\n\r\n")
            .await
            .ends_with("hello")
    );
    sleep(Duration::from_millis(100)).await;
    listening.lifecycle.advance(Phase::Draining);
    listening.lifecycle.advance(Phase::Closing);
    let report = listening.task.await.unwrap();
    assert_eq!((report.open, report.cut_total, report.stuck), (100, 33, 0));
    assert!(report.cut.iter().all(|cut| cut.path == "/echo"));
    assert!(report.took < Duration::from_secs(5), "{:?}", report.took);
}

#[tokio::test]
async fn a_connection_waiting_in_the_queue_of_the_closing_listener_is_answered() {
    let listening = Listening::with(Limits::default());
    // On a current-thread runtime nothing is accepted until this test awaits: the connection waits in the kernel.
    let mut io = std::net::TcpStream::connect(listening.addr).unwrap();
    std::io::Write::write_all(&mut io, HELLO).unwrap();
    listening.lifecycle.advance(Phase::Closing);
    let report = listening.task.await.unwrap();
    assert!(report.is_clean());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut io, &mut said).unwrap();
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.contains("connection: close"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_heed_the_header_lose_no_post_to_a_drain() {
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::client::legacy::Client;
    use tokio::sync::Barrier;

    const CLIENTS: usize = 8;
    let (first, second) = (
        Listening::with(Limits::default()),
        Listening::with(Limits::default()),
    );
    let addrs = [first.addr, second.addr];
    let moved = std::sync::Arc::new(Barrier::new(CLIENTS + 1));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let moved = std::sync::Arc::clone(&moved);
            tokio::spawn(async move {
                let client = Client::builder(TokioExecutor::new())
                    .retry_canceled_requests(false)
                    .build_http::<Full<axum::body::Bytes>>();
                let mut at = 0;
                let mut left = 50;
                while left > 0 {
                    let request = Request::post(format!("http://{}/echo", addrs[at]))
                        .body(Full::from("body"))
                        .unwrap();
                    let response = client.request(request).await.unwrap();
                    assert_eq!(response.status(), 200);
                    let draining = response.headers().contains_key("x-msa-draining");
                    assert_eq!(response.collect().await.unwrap().to_bytes(), "body");
                    if draining && at == 0 {
                        at = 1;
                        moved.wait().await;
                    }
                    left -= at;
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(50)).await;
    first.lifecycle.advance(Phase::Draining);
    moved.wait().await;
    first.lifecycle.advance(Phase::Closing);
    assert!(first.task.await.unwrap().is_clean());
    for client in clients {
        client.await.unwrap();
    }
}
