//! Binds a TCP address, and says what to change when it cannot.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use super::TcpListener;

/// Connections that may wait in the kernel's queue; it cuts the number to `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// An address could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("{}", explain(.addr, .setting, .source))]
pub struct BindError {
    addr: SocketAddr,
    setting: &'static str,
    source: io::Error,
}

impl BindError {
    /// The address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether another socket has the address.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

fn explain(addr: &SocketAddr, setting: &str, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            let also = if setting == "server.addr" {
                " or PORT"
            } else {
                ""
            };
            format!("address {addr} is taken by another process; set {setting}{also} to a free one")
        }
        io::ErrorKind::PermissionDenied => format!(
            "this process may not listen on {addr}; set {setting} to a port of 1024 or above, \
             or grant CAP_NET_BIND_SERVICE"
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "no interface of this machine has the address {addr}; set {setting} to one that it has"
            )
        }
        _ => format!("cannot listen on {addr} ({setting}): {source}"),
    }
}

/// Binds `addr` with SO_REUSEADDR, so that a restart need not wait for old connections to be forgotten, and listens
/// with room for 1024 waiting connections. `[::]` takes IPv4 as well. `setting` is the key that an error names.
///
/// Must be called within a tokio runtime.
///
/// # Errors
///
/// When the address is taken, not this machine's or not allowed; the message says which setting to change.
pub fn bind(addr: SocketAddr, setting: &'static str) -> Result<TcpListener, BindError> {
    listen(addr)
        .map(TcpListener::from_tokio)
        .map_err(|source| BindError {
            addr,
            setting,
            source,
        })
}

fn listen(addr: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // On Windows the option would let two processes share the port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    tokio::net::TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::accept::Listener as _;

    #[tokio::test]
    async fn a_taken_address_names_the_setting_and_port() {
        let first = bind("127.0.0.1:0".parse().unwrap(), "server.addr").unwrap();
        let addr = first.local_addr().unwrap();
        let error = bind(addr, "server.addr").unwrap_err();
        assert!(error.is_taken());
        assert_eq!(
            error.to_string(),
            format!(
                "address {addr} is taken by another process; set server.addr or PORT to a free one"
            )
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_said_to_be_one() {
        let error = bind("192.0.2.1:0".parse().unwrap(), "server.addr").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no interface of this machine"),
            "{error}"
        );
    }
}
