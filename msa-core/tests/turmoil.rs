//! The shipped stack over a simulated network: an axum service on hyper behind it, a hyper-util client as the transport.
//!
//! Everything but the sockets is what ships. One seed is one behaviour, so a failure found by chance can be played again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use msa_core::client::transport::{Failure, SendFuture, SendOptions, Transport, TransportError};
use msa_core::client::{CallError, ServiceClient};
use msa_core::clock;
use msa_core::discovery::{Endpoint, FixedSource};
use msa_core::event::{Event, Observer};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use turmoil::net::{TcpListener, TcpStream};

const HOSTS: [&str; 3] = ["users-a", "users-b", "users-c"];

/// hyper-util's client over the simulated network.
#[derive(Debug, Clone)]
struct Simulated(Client<Connector, Body>);

impl Simulated {
    fn new() -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(Connector);
        Self(client)
    }
}

impl Transport for Simulated {
    fn send<'a>(
        &'a self,
        _endpoint: &'a Endpoint,
        request: Request,
        _options: &'a SendOptions<'a>,
    ) -> SendFuture<'a> {
        let url = request.url().clone();
        let request = http::Request::try_from(request).unwrap();
        let sent = self.0.request(request);
        Box::pin(async move {
            let response = sent.await.map_err(failed)?;
            let (parts, body) = response.into_parts();
            let mut response = http::Response::builder()
                .status(parts.status)
                .version(parts.version)
                .url(url);
            response.headers_mut().unwrap().extend(parts.headers);
            Ok(Response::from(response.body(Body::wrap(body)).unwrap()))
        })
    }
}

fn failed(error: ClientError) -> TransportError {
    let refused = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    let canceled = error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled);
    let failure = match () {
        () if refused => Failure::Refused,
        () if error.is_connect() => Failure::Connect,
        () if canceled => Failure::NeverSent,
        () => Failure::Reset,
    };
    TransportError::because(failure, error)
}

#[derive(Debug, Clone)]
struct Connector;

impl tower::Service<Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let address = (uri.host().unwrap(), uri.port_u16().unwrap_or(80));
            Ok(Stream(TokioIo::new(TcpStream::connect(address).await?)))
        })
    }
}

/// A stream that hyper-util's pool can ask about itself.
#[derive(Debug)]
struct Stream(TokioIo<TcpStream>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Everything that was decided, with the simulated time.
#[derive(Debug, Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    fn note(&self, text: &str) {
        let at = turmoil::sim_elapsed().unwrap_or_default().as_millis();
        self.0.lock().unwrap().push(format!("{at:>6} {text}"));
    }
}

impl Observer for Trace {
    fn on_event(&self, event: &Event<'_>) {
        self.note(&format!("{event:?}"));
    }
}

async fn users() -> turmoil::Result {
    let router = Router::new().route(
        "/users/{id}",
        post(|Path(id): Path<u32>, body: String| async move { format!("{id} {body}") }),
    );
    let listener = TcpListener::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), 80)).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tcp), service)
                .await;
            drop(served); // a client that goes away is no news here
        });
    }
}

struct Run {
    trace: Vec<String>,
    answered: u32,
    failed: Vec<String>,
}

/// 200 calls, one every 50 ms, while one instance crashes and comes back and another is cut off for a while.
fn run(seed: u64) -> Run {
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(20))
        .simulation_duration(Duration::from_secs(120))
        .build();
    for host in HOSTS {
        sim.host(host, users);
    }
    let trace = Trace::default();
    let results = Arc::new(Mutex::new((0, Vec::new())));
    let (observer, noted) = (trace.clone(), results.clone());
    sim.client("orders", async move {
        let source = FixedSource::default();
        let endpoints = HOSTS.map(|host| format!("http://{host}").parse().unwrap());
        source.set("user-service", endpoints);
        let client = ServiceClient::builder()
            .discovery(Arc::new(source))
            .transport(Arc::new(Simulated::new()))
            .observer(Arc::new(observer.clone()))
            .seed(seed)
            .build()?;
        for id in 0..200 {
            let begun = clock::now();
            if id == 100 {
                turmoil::partition("orders", "users-b");
            } else if id == 110 {
                turmoil::repair("orders", "users-b");
            }
            let sent = client
                .post(format!("http://user-service/users/{id}"))
                .body("hello")
                .send()
                .await;
            match sent {
                Ok(response) => {
                    assert_eq!(response.text().await?, format!("{id} hello"));
                    noted.lock().unwrap().0 += 1;
                }
                Err(error) => {
                    let error = CallError::from(error);
                    let text = format!("{:?} {:?}", error.kind(), error.failure());
                    observer.note(&text);
                    noted.lock().unwrap().1.push(text);
                }
            }
            let rest = Duration::from_millis(50).saturating_sub(clock::since(begun));
            tokio::time::sleep(rest).await;
        }
        Ok(())
    });
    let mut done = false;
    while !done {
        let before = sim.elapsed();
        done = sim.step().unwrap();
        let crossed = |at: u64| {
            let at = Duration::from_millis(at);
            before < at && sim.elapsed() >= at
        };
        let (crash, back) = (crossed(2000), crossed(3000));
        if crash {
            sim.crash("users-a");
        } else if back {
            sim.bounce("users-a");
        }
    }
    let (answered, failed) = std::mem::take(&mut *results.lock().unwrap());
    let trace = std::mem::take(&mut *trace.0.lock().unwrap());
    Run {
        trace,
        answered,
        failed,
    }
}

#[test]
fn one_seed_is_one_trace() {
    let (first, second) = (run(7), run(7));
    assert!(first.trace.len() > 600, "{}", first.trace.len());
    assert_eq!(first.trace, second.trace);
    assert_ne!(first.trace, run(8).trace, "chance must come from the seed");
}

#[test]
fn a_crash_costs_only_what_it_may_have_swallowed_and_no_call_hangs() {
    let mut tried_again = 0;
    for seed in 0..8 {
        let run = run(seed);
        let lost = u32::try_from(run.failed.len()).unwrap();
        assert_eq!(run.answered + lost, 200);
        // Refused connections go elsewhere at once. Calls are made one at a time, so at most one was under way when the host
        // died, and at most one when the other was cut off.
        assert!(
            !run.failed.iter().any(|why| why.contains("Refused")),
            "{:?}",
            run.failed
        );
        assert!(lost <= 2, "seed {seed}: {:?}", run.failed);
        tried_again += usize::from(run.trace.iter().any(|line| line.contains("attempt: 2")));
    }
    // Chance may choose the one that stays while the other is away.
    assert!(tried_again >= 4, "{tried_again}");
}
