//! Where connections come from.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

/// A source of connections: TCP as a rule, in-memory pipes in tests with a paused clock.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and who made it. Must be cancel safe: a dropped future loses no connection.
    ///
    /// After an error it is called again: at once when only one connection was lost, after a pause when the process
    /// has run out of file descriptors or memory.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A bound TCP listener with TCP_NODELAY on every connection; made by [`bind`](super::bind).
#[derive(Debug)]
pub struct TcpListener(tokio::net::TcpListener);

impl TcpListener {
    /// Uses a listener that was bound elsewhere, such as one inherited by socket activation.
    #[must_use]
    pub fn from_tokio(listener: tokio::net::TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        // It fails only on a connection that is gone already, which the first read will find out.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
