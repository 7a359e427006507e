//! How many connections there may be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use msa_core::clock;
use msa_core::health::Lifecycle;
use msa_core::server::accept::{Limits, Listener, Server};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use crate::support::*;

fn few() -> Limits {
    let mut limits = Limits::default();
    (limits.max_connections, limits.probe_connections) = (4, 2);
    limits
}

#[tokio::test(start_paused = true)]
async fn the_reserve_answers_probes_and_turns_everything_else_away() {
    let serving = Serving::with(few());
    let mut ours = [serving.connect(), serving.connect()];
    for io in &mut ours {
        io.write_all(HELLO).await.unwrap();
        answer(io, "hello").await;
    }
    let mut probe = serving.connect();
    probe
        .write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let said = rest(&mut probe).await;
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.contains("connection: close"),
        "{said}"
    );
    let mut other = serving.connect();
    other.write_all(HELLO).await.unwrap();
    let said = rest(&mut other).await;
    assert!(
        said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: 1"),
        "{said}"
    );
    assert!(
        said.contains("connection: close") && said.contains("application/problem+json"),
        "{said}"
    );
    // The two that were there first are kept.
    for io in &mut ours {
        io.write_all(HELLO).await.unwrap();
        answer(io, "hello").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_the_reserve_that_does_not_ask_soon_makes_room() {
    let serving = Serving::with(few());
    let mut ours = [serving.connect(), serving.connect()];
    for io in &mut ours {
        io.write_all(HELLO).await.unwrap();
        answer(io, "hello").await;
    }
    let _silent = [serving.connect(), serving.connect()];
    sleep(Duration::from_millis(1)).await;
    // Above the reserve: it waits to be accepted.
    let mut probe = serving.connect();
    probe
        .write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let begun = clock::now();
    let said = rest(&mut probe).await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(clock::since(begun) <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn above_the_reserve_a_connection_waits_until_one_ends() {
    let mut limits = few();
    (limits.max_connections, limits.probe_connections) = (1, 0);
    let serving = Serving::with(limits);
    let mut first = serving.connect();
    first.write_all(HELLO).await.unwrap();
    answer(&mut first, "hello").await;
    let mut second = serving.connect();
    second.write_all(HELLO).await.unwrap();
    let waited = timeout(Duration::from_secs(60), answer(&mut second, "hello")).await;
    assert!(waited.is_err());
    drop(first);
    answer(&mut second, "hello").await;
}

#[tokio::test(start_paused = true)]
async fn one_address_has_its_own_limit() {
    let mut limits = Limits::default();
    limits.max_connections_per_ip = 1;
    let serving = Serving::with(limits);
    let mut first = serving.connect();
    first.write_all(HELLO).await.unwrap();
    answer(&mut first, "hello").await;
    let (took, said) = closed_after(&mut serving.connect()).await;
    assert_eq!((took, said.as_str()), (0, ""));
    drop(first);
    sleep(Duration::from_millis(1)).await;
    let mut third = serving.connect();
    third.write_all(HELLO).await.unwrap();
    answer(&mut third, "hello").await;
}

/// A listener in a process without a file descriptor left.
struct Exhausted(Arc<AtomicUsize>);

impl Listener for Exhausted {
    type Io = tokio::io::DuplexStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, SocketAddr)> {
        self.0.fetch_add(1, Ordering::Relaxed);
        const EMFILE: i32 = 24;
        Err(io::Error::from_raw_os_error(EMFILE))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[tokio::test(start_paused = true)]
async fn without_file_descriptors_it_tries_again_without_spinning() {
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = Exhausted(Arc::clone(&asked));
    let server = Server::new(listener, axum::Router::new(), Lifecycle::new());
    let server = tokio::spawn(server.run());
    sleep(Duration::from_millis(1050)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 11);
    server.abort();
}
