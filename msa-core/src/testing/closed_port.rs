//! An address where nobody listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::discovery::Endpoint;

/// A loopback address that refuses every connection for as long as this lives.
///
/// The port is bound but not listened on, so that nobody else can take it and answer instead.
///
/// ```
/// use std::net::TcpStream;
/// use msa_core::testing::ClosedPort;
///
/// let closed = ClosedPort::bind()?;
/// let refused = TcpStream::connect(closed.addr()).unwrap_err();
/// assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the port is given back when this is dropped"]
pub struct ClosedPort {
    _socket: Socket,
    addr: SocketAddr,
}

impl ClosedPort {
    /// Takes a free port.
    ///
    /// # Errors
    ///
    /// When the system has no socket or no port left.
    pub fn bind() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let addr = socket
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::Unsupported)?;
        Ok(Self {
            _socket: socket,
            addr,
        })
    }

    /// The address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint at the address.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.addr)
    }
}
