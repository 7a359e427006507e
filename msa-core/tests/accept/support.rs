//! A listener of in-memory pipes, and what the tests serve on it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use msa_core::clock::{self, Instant};
use msa_core::health::{Lifecycle, Phase, ProbeLayer, Probes, Registry};
use msa_core::server::accept::{self, DrainReport, Limits, Listener, Server, TcpListener};
use msa_core::server::body::{BodyDeadlineLayer, BodyLimits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) const PEER: &str = "192.0.2.1:4711";

/// A listener whose connections are pipes.
pub(crate) struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(pipe) => Ok((pipe, PEER.parse().unwrap())),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A server in its own task.
pub(crate) struct Serving {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) task: JoinHandle<DrainReport>,
    connect: mpsc::UnboundedSender<DuplexStream>,
}

impl Serving {
    pub(crate) fn with(limits: Limits) -> Self {
        let lifecycle = Lifecycle::new();
        let (connect, pipes) = mpsc::unbounded_channel();
        let server = Server::new(Pipes(pipes), app(&lifecycle), lifecycle.clone()).limits(limits);
        lifecycle.advance(Phase::Ready);
        Self {
            lifecycle,
            task: tokio::spawn(server.run()),
            connect,
        }
    }

    pub(crate) fn start() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        self.connect.send(theirs).ok().unwrap();
        ours
    }

    /// Drains with this lag.
    pub(crate) async fn drain(self, lag: Duration) -> DrainReport {
        self.lifecycle.advance(Phase::Draining);
        tokio::time::sleep(lag).await;
        self.lifecycle.advance(Phase::Closing);
        self.task.await.unwrap()
    }
}

/// The same on a real socket.
pub(crate) struct Listening {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) task: JoinHandle<DrainReport>,
    pub(crate) addr: SocketAddr,
}

impl Listening {
    pub(crate) fn with(limits: Limits) -> Self {
        let lifecycle = Lifecycle::new();
        let listener: TcpListener =
            accept::bind("127.0.0.1:0".parse().unwrap(), "server.addr").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = Server::new(listener, app(&lifecycle), lifecycle.clone()).limits(limits);
        lifecycle.advance(Phase::Ready);
        Self {
            lifecycle,
            task: tokio::spawn(server.run()),
            addr,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// One request on a connection of its own; the answer to the connection's end.
    pub(crate) async fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        rest(&mut stream).await
    }
}

fn app(lifecycle: &Lifecycle) -> Router {
    let probes = Probes::new(Registry::new(lifecycle.clone()));
    Router::new()
        .route("/", get("hello"))
        .route(
            "/wait",
            get(async || {
                tokio::time::sleep(Duration::from_secs(200)).await;
                "waited"
            }),
        )
        .route(
            "/soon",
            get(async || {
                tokio::time::sleep(Duration::from_secs(3)).await;
                "soon"
            }),
        )
        .route("/big", get(async || vec![b'a'; 8 * 1024 * 1024]))
        .route("/echo", post(async |body: Bytes| body))
        .route("/ignore", post("ignored"))
        .route("/pause", post(pause))
        .route("/stream", get(stream))
        .route("/upgrade", get(upgrade))
        .layer(BodyDeadlineLayer::new(BodyLimits::default()))
        .layer(ProbeLayer::new(probes))
}

/// Reads the first part of the body, thinks for longer than a client may pause, and reads the rest.
async fn pause(body: axum::body::Body) -> String {
    use http_body_util::BodyExt as _;
    let mut body = body;
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    tokio::time::sleep(Duration::from_secs(40)).await;
    let rest = body.collect().await.unwrap().to_bytes();
    format!("{} then {}", first.len(), rest.len())
}

/// A body that never ends.
async fn stream() -> axum::body::Body {
    let ticks = futures_util::stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, io::Error>("tick\n"), ()))
    });
    axum::body::Body::from_stream(Box::pin(ticks))
}

/// Becomes a protocol that says back what it hears.
async fn upgrade(request: axum::extract::Request) -> axum::response::Response {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let (mut read, mut write) = tokio::io::split(hyper_util::rt::TokioIo::new(upgraded));
        // It ends with an error when the drain cuts.
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    axum::response::Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .body(axum::body::Body::empty())
        .unwrap()
}

/// Everything up to the end of the connection.
pub(crate) async fn rest(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A reset ends a connection as well.
    let _ = io.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// One answer whose end is `last`; the connection stays open.
pub(crate) async fn answer(io: &mut (impl AsyncRead + Unpin), last: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(last.as_bytes()) {
        let mut byte = [0];
        let n = io.read(&mut byte).await.unwrap();
        assert_ne!(n, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

/// How long the connection stays open from now on, in milliseconds: timers are that fine.
pub(crate) async fn closed_after(io: &mut (impl AsyncRead + Unpin)) -> (u128, String) {
    let begun: Instant = clock::now();
    let said = rest(io).await;
    (clock::since(begun).as_millis(), said)
}

pub(crate) const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
