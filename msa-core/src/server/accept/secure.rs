//! Connections by TLS, and whose certificates they showed.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::{Listener, TcpListener};
use crate::tls::Names;

/// Who showed a certificate, by the address of their connection, as long as that is open. Cheap to clone.
///
/// The way from a connection to its requests leads through hyper, which carries nothing; a peer's address is its connection's alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certified(Arc<Mutex<HashMap<SocketAddr, Arc<Names>>>>);

impl Certified {
    /// Whose certificate this peer showed.
    pub(crate) fn of(&self, peer: SocketAddr) -> Option<Arc<Names>> {
        self.known().get(&peer).cloned()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Arc<Names>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by a connection; dropped, its certificate counts no more.
struct Known {
    peer: SocketAddr,
    all: Certified,
}

impl Drop for Known {
    fn drop(&mut self) {
        self.all.known().remove(&self.peer);
    }
}

/// A TCP listener whose connections speak TLS.
pub(crate) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    certified: Certified,
}

impl TlsListener {
    pub(crate) fn new(
        tcp: TcpListener,
        config: Arc<rustls::ServerConfig>,
        certified: Certified,
    ) -> Self {
        Self {
            tcp,
            acceptor: config.into(),
            certified,
        }
    }
}

impl fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener")
            .field("tcp", &self.tcp)
            .finish_non_exhaustive()
    }
}

impl Listener for TlsListener {
    type Io = TlsIo;

    /// The handshake is left to the connection's own task, and to the time that it has for its first byte.
    async fn accept(&mut self) -> io::Result<(TlsIo, SocketAddr)> {
        let (stream, peer) = self.tcp.accept().await?;
        let io = TlsIo {
            state: State::Shaking(Box::new(self.acceptor.accept(stream))),
            known: Known {
                peer,
                all: self.certified.clone(),
            },
        };
        Ok((io, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A connection that shakes hands when it is first read.
pub(crate) struct TlsIo {
    state: State,
    known: Known,
}

enum State {
    Shaking(Box<Accept<TcpStream>>),
    Open(Box<TlsStream<TcpStream>>),
    Failed,
}

impl TlsIo {
    /// The stream, once hands are shaken.
    fn open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let State::Shaking(handshake) = &mut self.state {
            self.state = match ready!(Pin::new(handshake).poll(cx)) {
                Ok(stream) => {
                    self.known.note(&stream);
                    State::Open(Box::new(stream))
                }
                Err(error) => {
                    let peer = self.known.peer;
                    tracing::warn!(target: "msa::audit", %peer, %error, "no TLS connection");
                    State::Failed
                }
            };
        }
        Poll::Ready(match &mut self.state {
            State::Open(stream) => Ok(Pin::new(&mut **stream)),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        })
    }
}

impl Known {
    fn note(&self, stream: &TlsStream<TcpStream>) {
        let (_, session) = stream.get_ref();
        let own = session.peer_certificates().and_then(<[_]>::first);
        if let Some(names) = own.and_then(|own| Names::of(own)) {
            self.all.known().insert(self.peer, Arc::new(names));
        }
    }
}

impl AsyncRead for TlsIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.get_mut().open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().open(cx))?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().open(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().open(cx))?.poll_shutdown(cx)
    }
}

impl fmt::Debug for TlsIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIo")
            .field("peer", &self.known.peer)
            .finish_non_exhaustive()
    }
}
