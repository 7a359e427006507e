//! One connection from its accept to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use http::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::alarm::Alarm;
use super::conn::Conn;
use super::drive::{Drive, End};
use super::first;
#[cfg(feature = "http2")]
use super::first::Protocol;
use super::io::Io;
use super::linger;
use super::protocols::Protocols;
use super::request::Inbound;

/// Serves one connection to its end.
pub(super) async fn serve<T, S>(mut io: T, service: S, conn: Arc<Conn>, protocols: Arc<Protocols>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let first_due = conn.born + first::patience(&conn);
    let mut alarm = pin!(Alarm::new(first_due, &conn.tracker));
    let Some(first) = first::first_bytes(&mut io, &conn, alarm.as_mut()).await else {
        return;
    };
    let inbound = Inbound::new(service, Arc::clone(&conn));
    let io = TokioIo::new(Io::new(io, first.prefix, Arc::clone(&conn)));
    let head_due = first.head_due;
    match first.protocol {
        #[cfg(feature = "http2")]
        Protocol::Http2 => {
            conn.set_http2();
            let mut http = protocols.http2.serve_connection(io, inbound);
            Drive::new(&conn, None).run(&mut http, alarm).await;
        }
        _ => {
            let http = protocols.http1.serve_connection(io, inbound);
            let mut http = http.with_upgrades();
            let end = Drive::new(&conn, Some(head_due))
                .run(&mut http, alarm)
                .await;
            let Some(parts) = http.into_parts() else {
                return; // It was upgraded and is somebody else's now.
            };
            let io = parts.io.into_inner();
            match end {
                End::HeadTimeout if !conn.has_served() => linger::request_timeout(io, &conn).await,
                End::Http(parse_error)
                    if (parse_error || conn.had_body()) && !conn.eof.load(Ordering::Relaxed) =>
                {
                    linger::discard(io, &conn).await;
                }
                _ => {}
            }
        }
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests;
