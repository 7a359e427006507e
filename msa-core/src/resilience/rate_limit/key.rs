//! Whose rate it is.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderName, Request};

/// Whose rate a request counts on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RateLimitKey {
    /// One rate for all.
    #[default]
    All,
    /// The client's address as the connection has it; all addresses of an IPv6 network of 64 bits are one client, which owns that
    /// many.
    Client,
    /// The value of a header, such as an API key; without it, the client's address. Anybody can send any value, so put what checks
    /// it in front.
    Header(HeaderName),
}

impl RateLimitKey {
    pub(super) fn of<'r, B>(&'r self, request: &'r Request<B>) -> Key<'r> {
        match self {
            Self::All => Key::All,
            Self::Client => client(request),
            Self::Header(name) => match request.headers().get(name) {
                Some(value) => Key::Value(value.as_bytes()),
                None => client(request),
            },
        }
    }
}

fn client<B>(request: &Request<B>) -> Key<'static> {
    match request.extensions().get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(peer)) => Key::Network(network(peer.ip())),
        None => Key::All,
    }
}

fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) & !u128::from(u64::MAX),
    }
}

/// One client.
pub(super) enum Key<'r> {
    All,
    Network(u128),
    Value(&'r [u8]),
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::All => state.write_u8(0),
            Self::Network(network) => {
                state.write_u8(1);
                network.hash(state);
            }
            Self::Value(value) => {
                state.write_u8(2);
                value.hash(state);
            }
        }
    }
}
