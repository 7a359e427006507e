//! A script behind a real socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Script;
use super::network::AbortOnDrop;
use crate::discovery::Endpoint;

/// A [`Script`] on a loopback port, over HTTP/1.1: for what only a socket shows, such as resets and keep-alive.
///
/// One request is one attempt, whether on a new connection or on one that was kept. A reset is a TCP RST. The server ends,
/// with all its connections, when it is dropped.
///
/// ```
/// use msa_core::client::ServiceClient;
/// use msa_core::testing::{Script, ScriptedServer, Step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ScriptedServer::start(Script::new([Step::status(200).body("hello")])).await?;
/// let client = ServiceClient::builder().allow_plain_hosts(true).build()?;
/// let text = client.get(server.url("/greeting")).send().await?.text().await?;
/// assert_eq!(text, "hello");
/// assert_eq!(server.script().requests()[0].uri, "/greeting");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the server ends when this is dropped"]
pub struct ScriptedServer {
    script: Script,
    addr: SocketAddr,
    _task: AbortOnDrop,
}

impl ScriptedServer {
    /// Starts on a free port, within the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When no port can be listened on.
    pub async fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let task = AbortOnDrop::spawn(accept(listener, script.clone()));
        Ok(Self {
            script,
            addr,
            _task: task,
        })
    }

    /// The script.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint where it listens.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.addr)
    }

    /// The URL of a path, which begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

async fn accept(listener: TcpListener, script: Script) {
    let mut connections = JoinSet::new();
    loop {
        // Of what can go wrong with an accept, all concerns that one connection, or passes when others end.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, script.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, script: Script) {
    let Ok(socket) = SockRef::from(&stream).try_clone() else {
        return; // out of file descriptors: the client sees the connection close
    };
    let socket = Arc::new(socket);
    let service = service_fn(move |request: Request<Incoming>| {
        let (script, socket) = (script.clone(), socket.clone());
        async move {
            let step = script.next();
            match script.play(step, request.map(Body::new)).await {
                Ok(response) => Ok::<_, super::script::Reset>(response.map(|body| {
                    body.map_err(move |error| {
                        reset_on_close(&socket);
                        error
                    })
                })),
                Err(reset) => {
                    reset_on_close(&socket);
                    Err(reset)
                }
            }
        }
    });
    // An error here is what the script, or the client by going away, asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Makes the close of the connection a RST.
fn reset_on_close(socket: &Socket) {
    // Fails when the peer was first, and then it has been reset already.
    let _ = socket.set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::super::{ClosedPort, Step};
    use super::*;
    use crate::client::transport::{
        ConnectionSettings, Failure, ReqwestTransport, SendOptions, Transport, TransportError,
    };

    async fn get(
        transport: &ReqwestTransport,
        endpoint: &Endpoint,
    ) -> Result<reqwest::Response, TransportError> {
        let url = endpoint.to_string().parse().unwrap();
        let request = reqwest::Request::new(http::Method::GET, url);
        let connection = Arc::new(ConnectionSettings::default());
        let options = SendOptions::new("scripted", &connection);
        transport.send(endpoint, request, &options).await
    }

    async fn within<T>(work: impl Future<Output = T>) -> T {
        // A test that would hang shall fail instead.
        tokio::time::timeout(Duration::from_secs(30), work)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_script_is_played_over_kept_and_new_connections() {
        let server = ScriptedServer::start(Script::new([
            Step::status(503).body("later"),
            Step::status(200).body("fine"),
            Step::reset(),
            Step::status(200).body("half").then_reset(),
            Step::status(204),
        ]))
        .await
        .unwrap();
        let transport = ReqwestTransport::new();
        let endpoint = server.endpoint();
        within(async {
            let get = || get(&transport, &endpoint);
            assert_eq!(get().await.unwrap().text().await.unwrap(), "later");
            assert_eq!(get().await.unwrap().text().await.unwrap(), "fine");
            assert_eq!(get().await.unwrap_err().failure(), Failure::Reset);
            let broken = get().await.unwrap().bytes().await;
            assert!(broken.is_err());
            assert_eq!(get().await.unwrap().status(), 204);
        })
        .await;
        assert_eq!(server.script().attempts(), 5);
    }

    #[tokio::test]
    async fn a_reset_is_one_on_the_wire() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let server = ScriptedServer::start(Script::new([Step::reset()]))
            .await
            .unwrap();
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let read = within(stream.read(&mut [0; 16])).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_dropped_server_lets_nobody_hang() {
        let script = Script::new([Step::hang()]);
        let server = ScriptedServer::start(script.clone()).await.unwrap();
        let endpoint = server.endpoint();
        let transport = ReqwestTransport::new();
        let (hanging, ()) = within(async {
            tokio::join!(get(&transport, &endpoint), async {
                script.wait_for(1).await;
                drop(server);
            })
        })
        .await;
        assert!(hanging.is_err());
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let closed = ClosedPort::bind().unwrap();
        let refused = get(&ReqwestTransport::new(), &closed.endpoint()).await;
        assert_eq!(refused.unwrap_err().failure(), Failure::Refused);
    }
}
