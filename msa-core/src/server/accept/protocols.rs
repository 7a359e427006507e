//! hyper's settings.

use hyper::server::conn::http1;
#[cfg(feature = "http2")]
use hyper::server::conn::http2;
#[cfg(feature = "http2")]
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Limits;

/// hyper's builders, made once per listener.
pub(super) struct Protocols {
    pub(super) http1: http1::Builder,
    #[cfg(feature = "http2")]
    pub(super) http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub(super) fn new(limits: &Limits) -> Self {
        /// What hyper reads and writes at once at most unless a larger head is allowed; its own default.
        const BUFFER: usize = 8192 + 4096 * 100;
        let mut http1 = http1::Builder::new();
        let head = limits.max_header_bytes.max(8192);
        http1
            .half_close(limits.half_close)
            .max_header_size(head)
            .max_buf_size(head.max(BUFFER))
            // The alarm does this, and tells a head from idleness.
            .header_read_timeout(None);
        if limits.max_headers != 100 {
            http1.max_headers(limits.max_headers);
        }
        Self {
            http1,
            #[cfg(feature = "http2")]
            http2: http2_builder(&limits.http2.clone().unwrap_or_default()),
        }
    }
}

#[cfg(feature = "http2")]
fn http2_builder(limits: &super::Http2Limits) -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_list)
        .max_pending_accept_reset_streams(limits.max_pending_reset)
        .max_local_error_reset_streams(limits.max_local_resets)
        .keep_alive_interval(limits.keep_alive_interval)
        .keep_alive_timeout(limits.keep_alive_timeout)
        // A stream whose handler does not read may fill a quarter of the connection's window, not all of it.
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        // Times the streams it is what one client that does not read can make us hold: 25 MB.
        .max_send_buf_size(128 * 1024)
        // WebSocket over HTTP/2 (RFC 8441).
        .enable_connect_protocol();
    http2
}
