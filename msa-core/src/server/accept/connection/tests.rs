//! A connection may be cut wherever it waits: it is counted out, and so are its requests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::super::Limits;
use super::super::tracker::Tracker;
use super::*;
use crate::config::Settings;
use crate::server::MsaLayer;
use crate::testing::polled;

fn answer() -> Body {
    let pieces = stream::unfold(3_u32, |left| async move {
        tokio::task::yield_now().await;
        let left = left.checked_sub(1)?;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"piece")), left))
    });
    Body::from_stream(pieces)
}

/// Sends a request bit by bit, and reads what comes.
async fn ask(mut io: DuplexStream) {
    let bits = [
        "POST / HT",
        "TP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        "5\r\npie",
        "ce\r\n",
        "0\r\n\r\n",
    ];
    for bit in bits {
        // The other end may be gone: that is what this is about.
        if io.write_all(bit.as_bytes()).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut read = Vec::new();
    if io.read_to_end(&mut read).await.is_ok() && !read.is_empty() {
        let text = String::from_utf8_lossy(&read);
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_at_any_await_point_is_counted_out_with_its_request() {
    for times in 0..1_000 {
        let layer = MsaLayer::new(&Settings::default()).unwrap().seeded(1);
        let handler = async |body: Bytes| {
            tokio::task::yield_now().await;
            assert_eq!(body, "piece");
            answer()
        };
        let app = Router::new().route("/", post(handler)).layer(layer.clone());
        let tracker = Tracker::new(Limits::default());
        let peer = "10.0.0.1:4711".parse().unwrap();
        tracker.enter(std::net::SocketAddr::ip(&peer)).unwrap();
        let conn = Conn::new(Arc::clone(&tracker), peer, false);
        let watched = Arc::downgrade(&conn);
        let (here, there) = duplex(64);
        let client = tokio::spawn(ask(there));
        let protocols = Arc::new(Protocols::new(&Limits::default()));
        let served = polled(times, serve(here, app, conn, protocols)).await;

        assert_eq!(layer.load().in_flight(), 0, "after {times} polls");
        assert!(watched.upgrade().is_none(), "after {times} polls");
        assert_eq!(tracker.open(), 0, "after {times} polls");
        client.await.unwrap();
        if served.is_some() {
            assert!(times > 10, "{times}");
            return;
        }
    }
    panic!("it never ends")
}
