//! The reqwest transport over real sockets: names, TLS, HTTP/2, connections, and what is classified how.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking
#![cfg(all(feature = "tls", feature = "http2"))]

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, Version, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use msa_core::client::transport::{Failure, ReqwestTransport};
use msa_core::client::{CallError, CallErrorKind, ServiceClient, ServiceMiddleware};
use msa_core::config::ClientSettings;
use msa_core::discovery::{Endpoint, FixedSource};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    Http1,
    Http2,
}

/// A server that knows how many connections it has.
struct Server {
    addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    closed: Arc<Notify>,
}

impl Server {
    async fn start(speaks: Speaks, tls: Option<TlsAcceptor>, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            addr: listener.local_addr().unwrap(),
            accepted: Arc::default(),
            open: Arc::default(),
            closed: Arc::default(),
        };
        let (accepted, open, closed) = (
            server.accepted.clone(),
            server.open.clone(),
            server.closed.clone(),
        );
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (tls, router) = (tls.clone(), router.clone());
                let (open, closed) = (open.clone(), closed.clone());
                tokio::spawn(async move {
                    serve(tcp, speaks, tls, router).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                    closed.notify_one();
                });
            }
        });
        server
    }

    async fn until_closed(&self) {
        while self.open.load(Ordering::SeqCst) > 0 {
            self.closed.notified().await;
        }
    }

    fn endpoint(&self, url: &str) -> Endpoint {
        url.parse::<Endpoint>().unwrap().with_addr(self.addr)
    }
}

/// The server name that the client sent in its handshake.
#[derive(Clone)]
struct Sni(Option<String>);

async fn serve(tcp: TcpStream, speaks: Speaks, tls: Option<TlsAcceptor>, router: Router) {
    // A client that goes away is an error here; these servers have nobody to tell.
    match tls {
        None => drop(
            http(
                TokioIo::new(tcp),
                speaks,
                router.layer(Extension(Sni(None))),
            )
            .await,
        ),
        Some(acceptor) => {
            let Ok(stream) = acceptor.accept(tcp).await else {
                return;
            };
            let sni = stream.get_ref().1.server_name().map(str::to_owned);
            let router = router.layer(Extension(Sni(sni)));
            drop(http(TokioIo::new(stream), speaks, router).await);
        }
    }
}

async fn http<I>(io: I, speaks: Speaks, router: Router) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    match speaks {
        Speaks::Http1 => {
            let builder = hyper::server::conn::http1::Builder::new();
            builder.serve_connection(io, service).await
        }
        Speaks::Http2 => {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await
        }
    }
}

/// Tells what the server saw of the names.
async fn names(Extension(Sni(sni)): Extension<Sni>, request: Request) -> Json<Value> {
    let authority = request.uri().authority().map(ToString::to_string);
    let host = request.headers().get(header::HOST);
    Json(json!({
        "sni": sni,
        "authority": authority,
        "host": host.map(|host| host.to_str().unwrap()),
    }))
}

fn router() -> Router {
    Router::new().fallback(any(names))
}

/// A certificate for the name, and the file of the authority that signed it.
fn certificate(name: &str, speaks: Speaks) -> (TlsAcceptor, NamedTempFile) {
    let key = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(key.cert.pem().as_bytes()).unwrap();
    let private = PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    config.alpn_protocols = match speaks {
        Speaks::Http1 => vec![b"http/1.1".to_vec()],
        Speaks::Http2 => vec![b"h2".to_vec()],
    };
    (TlsAcceptor::from(Arc::new(config)), file)
}

fn trusting(file: &NamedTempFile) -> ClientSettings {
    let mut settings = ClientSettings::default();
    settings.ca_file = Some(file.path().to_owned());
    settings
}

fn http2() -> ClientSettings {
    let mut settings = ClientSettings::default();
    settings.http2 = true;
    settings
}

fn client(
    endpoints: impl IntoIterator<Item = Endpoint>,
    settings: ClientSettings,
) -> (ServiceClient, Arc<FixedSource>, Arc<ReqwestTransport>) {
    let source = Arc::new(FixedSource::default());
    source.set("users", endpoints);
    let transport = Arc::new(ReqwestTransport::new());
    let client = ServiceClient::builder()
        .discovery(source.clone())
        .transport(transport.clone())
        .client_settings(settings)
        .build()
        .unwrap();
    (client, source, transport)
}

async fn error(client: &ServiceClient) -> CallError {
    let sent = client.post("http://users/x").body("x").send().await;
    CallError::from(sent.expect_err("an error"))
}

#[tokio::test]
async fn over_tls_sni_certificate_and_authority_are_the_endpoints_own_name() {
    for (speaks, version) in [
        (Speaks::Http1, Version::HTTP_11),
        (Speaks::Http2, Version::HTTP_2),
    ] {
        let (acceptor, file) = certificate("users.internal", speaks);
        let server = Server::start(speaks, Some(acceptor), router()).await;
        let endpoint = server.endpoint("https://users.internal");
        let (client, ..) = client([endpoint], trusting(&file));
        let response = client.get("http://users/x").send().await.unwrap();
        assert_eq!(response.version(), version);
        assert_eq!(response.url().as_str(), "https://users/x");
        assert_eq!(response.remote_addr(), Some(server.addr));
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["sni"], "users.internal");
        let (authority, host) = match speaks {
            Speaks::Http1 => (Value::Null, json!("users.internal")),
            Speaks::Http2 => (json!("users.internal"), Value::Null),
        };
        assert_eq!((&seen["authority"], &seen["host"]), (&authority, &host));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_before_anything_is_sent() {
    let (acceptor, file) = certificate("others.internal", Speaks::Http1);
    let server = Server::start(Speaks::Http1, Some(acceptor), router()).await;
    let (client, ..) = client([server.endpoint("https://users.internal")], trusting(&file));
    let error = error(&client).await;
    assert_eq!(error.failure(), Some(Failure::Tls), "{error:?}");
    assert_eq!(error.kind(), CallErrorKind::Connect);
    assert!(error.never_sent());
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_refused() {
    let (acceptor, _) = certificate("users.internal", Speaks::Http1);
    let (_, other) = certificate("users.internal", Speaks::Http1);
    let server = Server::start(Speaks::Http1, Some(acceptor), router()).await;
    let (client, ..) = client(
        [server.endpoint("https://users.internal")],
        trusting(&other),
    );
    assert_eq!(error(&client).await.failure(), Some(Failure::Tls));
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let empty = NamedTempFile::new().unwrap();
    let mut missing = ClientSettings::default();
    missing.ca_file = Some("/nowhere/ca.pem".into());
    for settings in [trusting(&empty), missing] {
        let path = settings.ca_file.clone().unwrap();
        let endpoint = "https://users.internal".parse().unwrap();
        let (client, ..) = client([endpoint], settings);
        let error = error(&client).await;
        assert_eq!(error.failure(), Some(Failure::Tls));
        let mut chain = String::new();
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(cause) = next {
            chain += &format!("{cause}\n");
            next = cause.source();
        }
        assert!(chain.contains(path.to_str().unwrap()), "{chain}");
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_has_the_endpoints_own_authority() {
    let server = Server::start(Speaks::Http2, None, router()).await;
    let same_port = format!("users.internal:{}", server.addr.port());
    for (url, authority) in [
        ("http://users.internal:8081".to_owned(), "users.internal"),
        (format!("http://{same_port}"), &*same_port),
        (format!("http://{}", server.addr), &*server.addr.to_string()),
    ] {
        let (client, ..) = client([server.endpoint(&url)], http2());
        let response = client.get("http://users/x").send().await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["authority"], authority);
        assert_eq!(seen["host"], Value::Null);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let count = followed.clone();
    let router = Router::new()
        .route(
            "/from",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/to")]).into_response() }),
        )
        .route(
            "/to",
            get(async move || count.fetch_add(1, Ordering::SeqCst).to_string()),
        );
    let server = Server::start(Speaks::Http1, None, router).await;
    let (client, ..) = client([Endpoint::at(server.addr)], ClientSettings::default());
    let response = client.get("http://users/from").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()[header::LOCATION], "/to");
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_proxy_from_the_environment_is_not_used() {
    const CHILD: &str = "MSA_TEST_BEHIND_A_PROXY";
    if std::env::var_os(CHILD).is_none() {
        // The environment of this process belongs to all tests, so it is set for a child that runs this test alone.
        let name = "a_proxy_from_the_environment_is_not_used";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .env("http_proxy", "http://127.0.0.1:1")
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return;
    }
    let server = Server::start(Speaks::Http1, None, router()).await;
    let endpoint = server.endpoint("http://users.internal:8081");
    let (client, ..) = client([endpoint], ClientSettings::default());
    assert!(client.get("http://users/").send().await.is_ok());
}

#[tokio::test]
async fn connections_are_kept_and_go_with_their_endpoint() {
    let (a, b) = (
        Server::start(Speaks::Http1, None, router()).await,
        Server::start(Speaks::Http1, None, router()).await,
    );
    let (client, source, transport) = client([Endpoint::at(a.addr)], ClientSettings::default());
    let call = async || {
        let response = client.get("http://users/").send().await.unwrap();
        response.bytes().await.unwrap();
    };
    call().await;
    call().await;
    assert_eq!(a.accepted.load(Ordering::SeqCst), 1);

    source.set("users", [Endpoint::at(b.addr)]);
    call().await;
    a.until_closed().await;
    assert_eq!(transport.clients(), 1);
    assert_eq!(b.open.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_in_flight_outlives_its_endpoint() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (arrived.clone(), go.clone());
    let slow = Router::new().route(
        "/",
        get(async move || {
            tell.notify_one();
            wait.notified().await;
            "late"
        }),
    );
    let a = Server::start(Speaks::Http1, None, slow).await;
    let b = Server::start(Speaks::Http1, None, router()).await;
    let (client, source, _transport) = client([Endpoint::at(a.addr)], ClientSettings::default());
    let calling = {
        let client = client.clone();
        tokio::spawn(async move { client.get("http://users/").send().await.unwrap() })
    };
    arrived.notified().await;
    source.set("users", [Endpoint::at(b.addr)]);
    client.get("http://users/").send().await.unwrap();
    go.notify_one();
    assert_eq!(calling.await.unwrap().text().await.unwrap(), "late");
    a.until_closed().await;
}

#[tokio::test]
async fn plain_hosts_share_one_pool() {
    let (a, b) = (
        Server::start(Speaks::Http1, None, router()).await,
        Server::start(Speaks::Http1, None, router()).await,
    );
    let transport = Arc::new(ReqwestTransport::new());
    let client = ServiceClient::builder()
        .transport(transport.clone())
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    for addr in [a.addr, b.addr, a.addr] {
        let response = client.get(format!("http://{addr}/")).send().await.unwrap();
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["host"], addr.to_string());
    }
    assert_eq!(transport.clients(), 1);
    assert_eq!(a.accepted.load(Ordering::SeqCst), 1);
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn refused_connections_go_elsewhere_and_are_named_when_there_is_no_elsewhere() {
    let server = Server::start(Speaks::Http1, None, router()).await;
    let dead = Endpoint::at(nobody().await);
    let (both, ..) = client(
        [dead.clone(), Endpoint::at(server.addr)],
        ClientSettings::default(),
    );
    for _ in 0..4 {
        both.post("http://users/").body("x").send().await.unwrap();
    }
    let (alone, ..) = client([dead], ClientSettings::default());
    let error = error(&alone).await;
    assert_eq!(error.failure(), Some(Failure::Refused), "{error:?}");
    assert_eq!(
        (error.kind(), error.attempts()),
        (CallErrorKind::Connect, 3)
    );
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_was_read_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::at(listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut some = [0; 512];
            let read = tcp.read(&mut some).await.unwrap();
            assert!(read > 0);
        }
    });
    let (client, ..) = client([endpoint], ClientSettings::default());
    let error = error(&client).await;
    assert_eq!(error.failure(), Some(Failure::Reset), "{error:?}");
    assert!(!error.never_sent());
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_protocol_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::at(listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut some = [0; 512];
        let read = tcp.read(&mut some).await.unwrap();
        assert!(read > 0);
        tcp.write_all(b"220 smtp ready\r\n\r\n").await.unwrap();
    });
    let (client, ..) = client([endpoint], ClientSettings::default());
    let error = error(&client).await;
    assert_eq!(error.failure(), Some(Failure::Protocol), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_is_not_there_in_time_is_a_connect_timeout() {
    // It accepts, and never says a word of TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut settings = ClientSettings::default();
    settings.connect_timeout = Duration::from_millis(50).into();
    let endpoint: Endpoint = format!("https://localhost:{}", addr.port())
        .parse()
        .unwrap();
    let (client, ..) = client([endpoint.with_addr(addr)], settings);
    let error = error(&client).await;
    assert_eq!(error.failure(), Some(Failure::ConnectTimeout), "{error:?}");
    assert!(error.never_sent());
}

/// Answers the first stream of its first connection with these frames, and is a good server from then on.
async fn bad_at_first(frames: fn(stream: u32) -> Vec<u8>) -> (Endpoint, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        count.fetch_add(1, Ordering::SeqCst);
        let mut preface = [0; 24];
        tcp.read_exact(&mut preface).await.unwrap();
        tcp.write_all(&frame(4, 0, 0, &[])).await.unwrap();
        let stream = loop {
            let mut head = [0; 9];
            tcp.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            tcp.read_exact(&mut payload).await.unwrap();
            match head[3] {
                1 => break u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
                4 if head[4] == 0 => tcp.write_all(&frame(4, 1, 0, &[])).await.unwrap(),
                _ => {}
            }
        };
        tcp.write_all(&frames(stream)).await.unwrap();
        let (again, _) = listener.accept().await.unwrap();
        count.fetch_add(1, Ordering::SeqCst);
        serve(again, Speaks::Http2, None, router()).await;
        drop(tcp); // open until the end: only the frames speak
    });
    (Endpoint::at(addr), accepted)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn a_graceful_goaway_fails_no_post() {
    let (endpoint, accepted) = bad_at_first(|_| frame(7, 0, 0, &[0; 8])).await;
    let (client, ..) = client([endpoint], http2());
    let response = client.post("http://users/").body("x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_angry_goaway_fails_the_call() {
    const PROTOCOL_ERROR: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
    let (endpoint, _) = bad_at_first(|_| frame(7, 0, 0, &PROTOCOL_ERROR)).await;
    let (client, ..) = client([endpoint], http2());
    assert_eq!(error(&client).await.failure(), Some(Failure::Reset));
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_and_another_reset_is_not() {
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
    let refuse = |stream| {
        // The graceful GOAWAY makes the second try take the second connection.
        let mut frames = frame(7, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        frames.extend(frame(3, 0, stream, &REFUSED_STREAM));
        frames
    };
    let (endpoint, accepted) = bad_at_first(refuse).await;
    let (again, ..) = client([endpoint], http2());
    let response = again.post("http://users/").body("x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(accepted.load(Ordering::SeqCst), 2);

    let (endpoint, _) = bad_at_first(|stream| frame(3, 0, stream, &INTERNAL_ERROR)).await;
    let (once, ..) = client([endpoint], http2());
    assert_eq!(error(&once).await.failure(), Some(Failure::Reset));
}

#[tokio::test]
async fn the_small_form_works_on_a_users_own_client() {
    let server = Server::start(Speaks::Http1, None, router()).await;
    let endpoint = server.endpoint("http://users.internal:8081");
    let (services, ..) = client([endpoint], ClientSettings::default());
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let own = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap();
    let client = reqwest_middleware::ClientBuilder::new(own)
        .with(ServiceMiddleware::new(&services))
        .build();
    let response = client.get("http://users/x").send().await.unwrap();
    assert_eq!(response.remote_addr(), Some(server.addr));
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["host"], "users.internal:8081");

    let error = client.get("http://nobody/x").send().await.unwrap_err();
    assert_eq!(CallError::from(error).kind(), CallErrorKind::NoEndpoint);
}
