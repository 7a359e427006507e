//! The first bytes of a connection: do they come, and which protocol do they speak?

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};

use super::alarm::Alarm;
use super::conn::Conn;
use super::tracker::Stage;
use crate::clock::{self, Instant};

/// What an HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection of the reserve asks within so long, or makes room for another.
const RESERVED_PATIENCE: Duration = Duration::from_secs(1);

/// A connection accepted from the queue of a listener that closes has its request in its buffer already, or never.
const CLOSING_PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The bytes read to tell the protocol, which hyper must still see.
pub(super) struct Prefix {
    bytes: [u8; 24],
    taken: u8,
    len: u8,
}

impl Prefix {
    fn filled(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Moves as much of the rest as fits to `buf`.
    #[inline]
    pub(super) fn take_into(&mut self, buf: &mut ReadBuf<'_>) {
        if self.taken < self.len {
            let rest = self
                .filled()
                .get(usize::from(self.taken)..)
                .unwrap_or_default();
            let n = rest.len().min(buf.remaining());
            buf.put_slice(rest.get(..n).unwrap_or_default());
            self.taken += n as u8;
        }
    }

    /// Which protocol it is, once that is sure.
    fn protocol(&self) -> Option<Protocol> {
        let filled = self.filled();
        if !PREFACE.starts_with(filled) {
            Some(Protocol::Http1)
        } else if filled.len() == PREFACE.len() {
            Some(Protocol::Http2)
        } else {
            None
        }
    }
}

/// What the first bytes told.
pub(super) struct First {
    pub(super) protocol: Protocol,
    pub(super) prefix: Prefix,
    /// When the first head must be complete.
    pub(super) head_due: Instant,
}

/// How long a connection may take to its first byte.
pub(super) fn patience(conn: &Conn) -> Duration {
    let timeout = conn.tracker.limits.first_byte_timeout;
    if conn.reserved {
        timeout.min(RESERVED_PATIENCE)
    } else {
        timeout
    }
}

/// Reads until the protocol is sure. `None` when the peer or the time is gone.
pub(super) async fn first_bytes<T: AsyncRead + Unpin>(
    io: &mut T,
    conn: &Conn,
    mut alarm: Pin<&mut Alarm>,
) -> Option<First> {
    let speaks_http2 = cfg!(feature = "http2") && conn.tracker.limits.http2.is_some();
    let mut prefix = Prefix {
        bytes: [0; 24],
        taken: 0,
        len: 0,
    };
    let mut head_due = None;
    let mut hurried = false;
    poll_fn(|cx| {
        loop {
            match poll_more(io, &mut prefix, cx) {
                Poll::Ready(true) => {
                    let due = *head_due.get_or_insert_with(|| {
                        let timeout = conn.tracker.limits.head_timeout;
                        clock::now()
                            + if conn.reserved {
                                timeout.min(RESERVED_PATIENCE)
                            } else {
                                timeout
                            }
                    });
                    let protocol = if speaks_http2 {
                        prefix.protocol()
                    } else {
                        Some(Protocol::Http1)
                    };
                    match protocol {
                        Some(protocol) => return Poll::Ready(Some((protocol, due))),
                        None => alarm.as_mut().set(due),
                    }
                }
                Poll::Ready(false) => return Poll::Ready(None),
                Poll::Pending => {
                    let (stage, fired) = alarm.as_mut().poll(cx, &conn.tracker);
                    if fired || stage == Stage::Cut {
                        return Poll::Ready(None);
                    }
                    if stage < Stage::Closing || hurried {
                        return Poll::Pending;
                    }
                    hurried = true;
                    alarm.as_mut().set(clock::now() + CLOSING_PATIENCE);
                }
            }
        }
    })
    .await
    .map(|(protocol, head_due)| First {
        protocol,
        prefix,
        head_due,
    })
}

/// Reads on. `false` when nothing more will come.
fn poll_more<T: AsyncRead + Unpin>(
    io: &mut T,
    prefix: &mut Prefix,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    let at = usize::from(prefix.len);
    let mut buf = ReadBuf::new(prefix.bytes.get_mut(at..).unwrap_or_default());
    match Pin::new(io).poll_read(cx, &mut buf) {
        Poll::Ready(Ok(())) => {
            let read = buf.filled().len();
            prefix.len += read as u8;
            Poll::Ready(read > 0)
        }
        // A peer that resets before it speaks is no event.
        Poll::Ready(Err(_)) => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    }
}
