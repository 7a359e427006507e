//! What a drain came to.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;

/// How many cut requests a [`DrainReport`] names; the rest are counted.
pub(super) const NAMED: usize = 100;

/// A request, stream or upgraded connection that had not ended when the drain's deadline came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// Who had asked.
    pub peer: SocketAddr,
    /// The request's method.
    pub method: Method,
    /// The request's path, without its query.
    pub path: String,
    /// Whether it had become another protocol, such as WebSocket.
    pub upgraded: bool,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upgraded = if self.upgraded { " (upgraded)" } else { "" };
        write!(
            f,
            "{} {:?} from {}{upgraded}",
            self.method, self.path, self.peer
        )
    }
}

/// What a drain came to.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Connections that were open when the listener closed.
    pub open: usize,
    /// From the closing of the listener to the end of the last connection.
    pub took: Duration,
    /// The requests that were cut, at most 100 of them.
    pub cut: Vec<Cut>,
    /// How many requests were cut, all of them.
    pub cut_total: usize,
    /// HTTP/1 connections that were cut while their last answer, complete on our side, was still being written.
    pub unread: usize,
    /// Connections that did not end even when they were cut: their handlers block a thread or hold an upgraded
    /// connection without using it. They end with the process.
    pub stuck: usize,
}

impl DrainReport {
    /// Whether every request came to its end.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.cut_total == 0 && self.unread == 0 && self.stuck == 0
    }
}
