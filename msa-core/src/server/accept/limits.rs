//! What a listener puts up with.

use std::time::Duration;

use crate::config::ServerSettings;

/// The limits of one listener. [`Default`] is that of [`ServerSettings`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// A connection that sends no byte for so long is closed. 10 s.
    pub first_byte_timeout: Duration,
    /// A head must be complete so long after its first byte. 10 s.
    pub head_timeout: Duration,
    /// A connection without a request in flight is closed after so long. 75 s.
    pub idle_timeout: Duration,
    /// How many connections there may be at once. 10,000.
    pub max_connections: usize,
    /// How many of them are kept for probes; fewer than `max_connections`. 16.
    pub probe_connections: usize,
    /// How many connections one address may have; 0 is no limit. IPv6 addresses count by their /64, which is what one
    /// host is given. 0.
    pub max_connections_per_ip: usize,
    /// The largest head of an HTTP/1 request in bytes, at least 8192. 64 KiB.
    pub max_header_bytes: usize,
    /// How many headers an HTTP/1 request may have. 100, which hyper keeps on the stack; any other number costs it an
    /// allocation per request.
    pub max_headers: usize,
    /// Whether an HTTP/1 client may close its sending side and still be answered. Then a client that went away is not
    /// told from one that waits, and its request runs on to its end. `false`.
    pub half_close: bool,
    /// HTTP/2; `None` does not speak it.
    pub http2: Option<Http2Limits>,
    /// How long requests in flight may take once the listener is closed. 20 s.
    pub drain_deadline: Duration,
}

/// The limits of one HTTP/2 connection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Http2Limits {
    /// Requests in flight at once. 200.
    pub max_concurrent_streams: u32,
    /// The largest list of headers in bytes, decoded. 16 KiB.
    pub max_header_list: u32,
    /// Streams reset by the peer that may wait to be accepted (CVE-2023-44487). 20.
    pub max_pending_reset: usize,
    /// Streams that we may have reset for the peer's errors. 1024.
    pub max_local_resets: usize,
    /// How often a ping asks a quiet connection whether it still lives; `None` never asks. 30 s.
    pub keep_alive_interval: Option<Duration>,
    /// How long the answer to that ping may take. 10 s.
    pub keep_alive_timeout: Duration,
}

impl Limits {
    /// How many connections may do more than ask a probe.
    pub(super) fn general_connections(&self) -> usize {
        self.max_connections.saturating_sub(self.probe_connections)
    }
}

impl From<&ServerSettings> for Limits {
    fn from(settings: &ServerSettings) -> Self {
        let http2 = &settings.http2;
        Self {
            first_byte_timeout: settings.first_byte_timeout.get(),
            head_timeout: settings.head_timeout.get(),
            idle_timeout: settings.idle_timeout.get(),
            max_connections: settings.max_connections,
            probe_connections: settings.probe_connections,
            max_connections_per_ip: settings.max_connections_per_ip,
            max_header_bytes: settings.max_header_bytes.as_usize(),
            max_headers: settings.max_headers,
            half_close: settings.half_close,
            http2: http2.enabled.then(|| Http2Limits {
                max_concurrent_streams: http2.max_concurrent_streams,
                max_header_list: u32::try_from(http2.max_header_list.get()).unwrap_or(u32::MAX),
                max_pending_reset: http2.max_pending_reset,
                max_local_resets: http2.max_local_resets,
                keep_alive_interval: Some(http2.keep_alive_interval.get())
                    .filter(|interval| !interval.is_zero()),
                keep_alive_timeout: http2.keep_alive_timeout.get(),
            }),
            drain_deadline: settings.drain.deadline.get(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&ServerSettings::default())
    }
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            max_header_list: 16 * 1024,
            max_pending_reset: 20,
            max_local_resets: 1024,
            keep_alive_interval: Some(Duration::from_secs(30)),
            keep_alive_timeout: Duration::from_secs(10),
        }
    }
}
