//! A whole service on real sockets: what HTTP asks of it, its pages, its end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use msa_core::Service;
use msa_core::config::Loader;
use msa_core::event::{Event, Observer};
use msa_core::health::Phase;
use msa_core::service::{Running, ServiceBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LOOPBACK: &str = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\n\
                        server.drain = { lag = '0s', deadline = '100ms', flush = '1s' }\n";

fn service(builder: ServiceBuilder, toml: &str) -> Service {
    let loader = Loader::new("svc").env([("", ""); 0]);
    let loader = loader.toml_str("msa.toml", format!("{LOOPBACK}{toml}"));
    builder.with_config(loader.load().unwrap()).unwrap()
}

/// The same, with time for its requests to end.
fn patient(builder: ServiceBuilder) -> Service {
    let loader = Loader::new("svc").env([("", ""); 0]);
    let loader = loader.toml_str("msa.toml", LOOPBACK.replace("100ms", "60s"));
    builder.with_config(loader.load().unwrap()).unwrap()
}

fn serve(toml: &str) -> Running {
    let service = service(Service::builder("svc"), toml);
    service.routes(routes()).start().unwrap()
}

fn routes() -> Router {
    let events = async || {
        let first = stream::once(async { Ok::<_, std::io::Error>("data: first\n\n") });
        let body = Body::from_stream(first.chain(stream::pending()));
        ([("content-type", "text/event-stream")], body)
    };
    Router::new()
        .route("/hello", get(async || "hello, world ".repeat(8)))
        .route("/echo", post(async |body: Bytes| body))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/same", get(async || StatusCode::NOT_MODIFIED))
        .route("/events", get(events))
        .route("/shout", get(shout))
}

/// Becomes a protocol that answers in capitals.
async fn shout(request: Request) -> Response {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let mut io = hyper_util::rt::TokioIo::new(upgraded);
        let mut buffer = [0; 64];
        loop {
            match io.read(&mut buffer).await {
                Ok(n) if n > 0 => {
                    let text = buffer[..n].to_ascii_uppercase();
                    io.write_all(&text).await.unwrap();
                }
                _ => return,
            }
        }
    });
    let headers = [("connection", "upgrade"), ("upgrade", "shout")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Sends one request on a connection of its own, and reads to the connection's end.
async fn ask(addr: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("{head}\r\nhost: svc\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the text is there.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains(text) {
        assert!(
            stream.read_buf(&mut got).await.unwrap() > 0,
            "{text} never came"
        );
    }
    String::from_utf8(got).unwrap()
}

#[test]
fn outside_of_a_runtime_a_service_says_so() {
    let error = service(Service::builder("svc"), "").start().unwrap_err();
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
    assert_eq!(error.exit_code(), 1);
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_every_answer_names_its_transaction() {
    let running = serve("");
    let addr = running.addr();
    for (request, status, body) in [
        ("HEAD /hello HTTP/1.1", "200 OK", ""),
        ("HEAD /nowhere HTTP/1.1", "404 Not Found", ""),
        ("GET /empty HTTP/1.1", "204 No Content", ""),
        ("GET /same HTTP/1.1", "304 Not Modified", ""),
        ("GET /nowhere HTTP/1.1", "404 Not Found", "\"status\":404"),
        (
            "DELETE /hello HTTP/1.1",
            "405 Method Not Allowed",
            "\"status\":405",
        ),
        ("CONNECT svc:80 HTTP/1.1", "40", "\"gtxid\":"),
        ("OPTIONS * HTTP/1.1", "404", "\"gtxid\":"),
    ] {
        let answer = ask(addr, request).await;
        let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {head}"
        );
        assert!(head.contains("\r\nx-gtxid: "), "{request}: {head}");
        match body {
            "" => assert_eq!(rest, "", "{request}"),
            body => assert!(rest.contains(body), "{request}: {rest}"),
        }
        if status.starts_with("204") || status.starts_with("304") {
            assert!(!head.contains("content-type"), "{request}: {head}");
        }
    }
    let full = ask(addr, "GET /hello HTTP/1.1").await;
    let empty = ask(addr, "HEAD /hello HTTP/1.1").await;
    for answer in [full, empty] {
        assert!(answer.contains("\r\ncontent-length: 104\r\n"), "{answer}");
    }
    running.stop();
    assert!(running.finished().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_client_that_expects_to_be_asked_for_its_body_is_asked_only_when_it_is_wanted() {
    let running = serve("server.body_limit = 5");
    for (length, first) in [(5, "HTTP/1.1 100 Continue"), (6, "HTTP/1.1 413 ")] {
        let mut stream = TcpStream::connect(running.addr()).await.unwrap();
        let head = format!(
            "POST /echo HTTP/1.1\r\nhost: svc\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = until(&mut stream, "\r\n\r\n").await;
        assert!(answer.starts_with(first), "{answer}");
        if length == 5 {
            stream.write_all(b"12345").await.unwrap();
            until(&mut stream, "\r\n\r\n12345").await;
        }
    }
    running.stop();
    let _ = running.finished().await.unwrap();
}

#[tokio::test]
async fn upgrades_and_event_streams_pass_the_stack_and_are_cut_and_named_at_the_end() {
    let running = serve("");
    let mut shouting = TcpStream::connect(running.addr()).await.unwrap();
    let upgrade =
        "GET /shout HTTP/1.1\r\nhost: svc\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\n";
    shouting.write_all(upgrade.as_bytes()).await.unwrap();
    let head = until(&mut shouting, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    shouting.write_all(b"hello").await.unwrap();
    until(&mut shouting, "HELLO").await;

    let mut events = TcpStream::connect(running.addr()).await.unwrap();
    events
        .write_all(b"GET /events HTTP/1.1\r\nhost: svc\r\n\r\n")
        .await
        .unwrap();
    until(&mut events, "data: first").await;

    running.stop();
    let report = running.finished().await.unwrap();
    let mut cut: Vec<_> = report
        .cut
        .iter()
        .map(|cut| (cut.path.as_str(), cut.upgraded))
        .collect();
    cut.sort_unstable();
    assert_eq!(cut, [("/events", false), ("/shout", true)]);
    assert_eq!(report.stuck, 0);
}

#[tokio::test]
async fn two_services_live_in_one_process_and_end_apart() {
    let (one, two) = (serve(""), serve(""));
    one.stop();
    assert!(one.finished().await.unwrap().is_clean());
    let answer = ask(two.addr(), "GET /hello HTTP/1.1").await;
    assert!(answer.ends_with("hello, world "), "{answer}");
    two.stop();
    assert!(two.finished().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_management_listener_answers_until_the_last_request_is_over() {
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let gates = Mutex::new(Some((enter, released)));
    let gates = Arc::new(gates);
    let slow = get(async move || {
        let (enter, released) = gates.lock().unwrap().take().unwrap();
        enter.send(()).unwrap();
        released.await.unwrap();
        "done"
    });
    let closed = Arc::new(Mutex::new(None));
    let service = patient(Service::builder("svc"));
    let lifecycle = service.health().lifecycle().clone();
    let noted = (closed.clone(), lifecycle.clone());
    let service =
        service.on_shutdown(async move || *noted.0.lock().unwrap() = Some(noted.1.phase()));
    let running = service
        .routes(Router::new().route("/slow", slow))
        .start()
        .unwrap();
    let (addr, admin) = (running.addr(), running.admin_addr().unwrap());
    let answer = tokio::spawn(async move { ask(addr, "GET /slow HTTP/1.1").await });
    entered.await.unwrap();

    running.stop();
    lifecycle.reached(Phase::Closing).await;
    let page = ask(admin, "GET /readyz?verbose HTTP/1.1").await;
    assert!(page.starts_with("HTTP/1.1 503 "), "{page}");
    assert!(page.contains("phase closing"), "{page}");
    assert_eq!(*closed.lock().unwrap(), None, "hooks come after the drain");

    release.send(()).unwrap();
    assert!(answer.await.unwrap().ends_with("done"));
    assert!(running.finished().await.unwrap().is_clean());
    assert_eq!(*closed.lock().unwrap(), Some(Phase::Stopped));
}

#[derive(Default)]
struct Reloads(Mutex<Vec<bool>>);

impl Observer for Reloads {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::ConfigReloaded { accepted } = event {
            self.0.lock().unwrap().push(*accepted);
        }
    }
}

#[tokio::test]
async fn a_refused_reload_and_a_failing_discovery_are_shown_and_fail_no_probe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("msa.toml");
    let endpoints = folder.path().join("endpoints.toml");
    let good = format!("{LOOPBACK}[discovery]\nfile = {endpoints:?}\nfile_interval = '10ms'\n");
    std::fs::write(&file, &good).unwrap();
    let config = Loader::new("svc")
        .env([("", ""); 0])
        .dir(folder.path())
        .load()
        .unwrap();
    let reloads = Arc::new(Reloads::default());
    let builder = Service::builder("svc").observer(reloads.clone());
    let running = builder
        .with_config(config.clone())
        .unwrap()
        .start()
        .unwrap();
    let admin = running.admin_addr().unwrap();
    let shows = async |text: &str| {
        loop {
            let page = ask(admin, "GET /readyz?verbose HTTP/1.1").await;
            assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
            if page.contains(text) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    shows("[+]configuration passed").await;
    shows("there is no such file").await;

    std::fs::write(
        &endpoints,
        "services.users.endpoints = ['http://127.0.0.1:9']",
    )
    .unwrap();
    shows("[+]discovery passed").await;

    std::fs::write(&file, format!("{good}[srever]\n")).unwrap();
    assert!(config.reload().is_err());
    let page = shows("[!]configuration failed").await;
    assert!(page.contains("did you mean `server`?"), "{page}");

    std::fs::write(&file, &good).unwrap();
    assert!(config.reload().is_ok());
    shows("[+]configuration passed").await;
    let told = reloads.0.lock().unwrap().clone();
    assert_eq!((told.contains(&false), told.last()), (true, Some(&true)));
    running.stop();
    let _ = running.finished().await.unwrap();
}

#[cfg(feature = "cors")]
#[tokio::test]
async fn a_page_of_an_allowed_origin_may_send_credentials_of_its_own_and_read_the_gtxid() {
    let running = serve("server.cors.origins = ['https://shop.example']");
    let preflight = "OPTIONS /hello HTTP/1.1\r\norigin: https://shop.example\r\n\
                     access-control-request-method: PUT\r\naccess-control-request-headers: authorization";
    let answer = ask(running.addr(), preflight).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for header in [
        "access-control-allow-origin: https://shop.example",
        "access-control-allow-methods: PUT",
        "access-control-allow-headers: authorization",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
    let answer = ask(
        running.addr(),
        "GET /nowhere HTTP/1.1\r\norigin: https://shop.example",
    )
    .await;
    assert!(
        answer.contains("access-control-allow-origin: https://shop.example"),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-expose-headers: x-gtxid,retry-after"),
        "{answer}"
    );
    let answer = ask(
        running.addr(),
        "GET /hello HTTP/1.1\r\norigin: https://evil.example",
    )
    .await;
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    running.stop();
    let _ = running.finished().await.unwrap();
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn answers_are_compressed_for_who_asks_and_event_streams_never() {
    let running = serve("server.compression = true");
    let answer = ask(
        running.addr(),
        "GET /hello HTTP/1.1\r\naccept-encoding: gzip",
    )
    .await;
    assert!(answer.contains("content-encoding: gzip"), "{answer}");
    let answer = ask(running.addr(), "GET /hello HTTP/1.1").await;
    assert!(!answer.contains("content-encoding"), "{answer}");
    let mut events = TcpStream::connect(running.addr()).await.unwrap();
    events
        .write_all(b"GET /events HTTP/1.1\r\nhost: svc\r\naccept-encoding: gzip\r\n\r\n")
        .await
        .unwrap();
    until(&mut events, "data: first").await;
    running.stop();
    let _ = running.finished().await.unwrap();
}

#[cfg(feature = "rate-limit")]
#[tokio::test]
async fn the_servers_rate_is_not_for_probes_and_the_management_listener() {
    let running = serve("server.rate_limit.rate = '0/s'\n");
    let (addr, admin) = (running.addr(), running.admin_addr().unwrap());
    assert!(
        ask(addr, "GET /hello HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 429 ")
    );
    for (addr, page) in [(addr, "/livez"), (addr, "/readyz"), (admin, "/livez")] {
        let answer = ask(addr, &format!("GET {page} HTTP/1.1")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{page}: {answer}");
        assert!(!answer.contains("ratelimit"), "{page}: {answer}");
    }
    running.stop();
    running.finished().await.unwrap();
}
