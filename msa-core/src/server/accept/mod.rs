//! The accept loop: connections, their limits and timeouts, and their drain.
//!
//! hyper has one timeout for a request's head and counts the idle time between two requests into it, it never closes a
//! connection that sends no byte, and its graceful shutdown knows no deadline. So each connection here first waits for
//! its first bytes by itself, which also tells HTTP/1 from HTTP/2, and then runs hyper beside one timer and one watch on
//! the drain:
//!
//! | what | ends when | answer |
//! | --- | --- | --- |
//! | no byte came | [`Limits::first_byte_timeout`] after the accept | closed |
//! | a head has begun | [`Limits::head_timeout`] after its first byte | 408 on a connection's first request, else closed |
//! | between two requests | [`Limits::idle_timeout`] after the end of the last answer | closed; HTTP/2 with GOAWAY |
//! | the peer reads nothing of its answer | between one and two [`Limits::idle_timeout`] | closed |
//! | a head above [`Limits::max_header_bytes`] or [`Limits::max_headers`] | at once | 431 |
//!
//! The timer is never moved per request: a request's end leaves a time stamp, and the timer, when it fires, looks there
//! and sleeps on. Time limits on bodies are the [`body`](super::body) layer's.
//!
//! # When connections run out
//!
//! Of [`Limits::max_connections`] the last [`Limits::probe_connections`] are kept for probes. Nobody can tell who will
//! ask for what before it is asked, so the connections of the reserve are accepted, get a short time to ask, and are
//! answered a probe, or else 503 with `Retry-After`; either way they are closed after one answer, so the reserve comes
//! free again by itself. Above the reserve nothing is accepted: new connections wait in the kernel's queue (1024) until
//! one ends, which costs their clients time instead of an error.
//!
//! # The drain
//!
//! [`Server::run`] follows a [`Lifecycle`](crate::health::Lifecycle). From [`Phase::Draining`](crate::health::Phase) on
//! every answer has `x-msa-draining: 1` and, on HTTP/1, `connection: close`; HTTP/2 connections get a graceful GOAWAY,
//! new ones after their first request. In [`Phase::Closing`](crate::health::Phase) the listener closes, idle, silent and
//! half-asked connections are closed at once, and requests in flight have [`Limits::drain_deadline`]. What is left is
//! cut and named in the [`DrainReport`]: requests, upgraded connections and streams.

mod alarm;
mod bind;
mod conn;
mod connection;
mod drive;
mod first;
mod host;
mod io;
mod limits;
mod linger;
mod listener;
mod protocols;
mod report;
mod request;
#[cfg(feature = "tls")]
mod secure;
mod serve;
mod tracker;
mod unread;

pub use bind::{BindError, bind};
pub use limits::{Http2Limits, Limits};
pub use listener::{Listener, TcpListener};
pub use report::{Cut, DrainReport};
#[cfg(feature = "tls")]
pub(crate) use secure::{Certified, TlsListener};
pub use serve::Server;

/// Tells callers to send the next request to another instance; on every response of a draining one.
pub const DRAINING: http::HeaderName = http::HeaderName::from_static("x-msa-draining");
