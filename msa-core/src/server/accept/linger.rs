//! Closing a connection so that the peer can read our last words.
//!
//! A socket closed with unread bytes in it is reset, and a reset may overtake the answer: a client that still sends its
//! 10 MB head would see the reset and not the 431. So the sending side is closed, and what still comes is thrown away
//! for a moment (nginx calls it lingering close).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::alarm::Alarm;
use super::conn::Conn;
use super::tracker::Stage;
use crate::clock;

/// How long the peer may take to read the answer and close.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much is thrown away before that; a peer that sends more is not going to listen.
const MOST: usize = 64 * 1024 * 1024;

const REQUEST_TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\
    content-type: application/problem+json\r\n\
    content-length: 113\r\n\
    connection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\
    \"detail\":\"the request's head took too long to come\"}";

/// Says that the head took too long, to a peer that was never answered on this connection.
pub(super) async fn request_timeout<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, conn: &Conn) {
    // Nothing was written before, so the socket takes these few bytes at once or never.
    let told = poll_fn(|cx| Pin::new(&mut io).poll_write(cx, REQUEST_TIMEOUT)).now_or_never();
    if matches!(told, Some(Ok(n)) if n == REQUEST_TIMEOUT.len()) {
        // A peer that is gone cannot be told so.
        let _ = poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx)).now_or_never();
        discard(io, conn).await;
    }
}

/// Reads and drops what comes until the peer closes or the patience ends.
pub(super) async fn discard<T: AsyncRead + Unpin>(mut io: T, conn: &Conn) {
    let mut alarm = pin!(Alarm::new(clock::now() + PATIENCE, &conn.tracker));
    let mut scratch = vec![0; 16 * 1024];
    let mut total = 0;
    poll_fn(|cx| {
        loop {
            let (stage, fired) = alarm.as_mut().poll(cx, &conn.tracker);
            if fired || stage == Stage::Cut || total > MOST {
                return Poll::Ready(());
            }
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => total += buf.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// The same for HTTP/2, where hyper closes the socket and we stand in its way.
pub(super) struct Lingering {
    patience: Pin<Box<Sleep>>,
    total: usize,
}

impl Lingering {
    /// The sending side is closed now.
    pub(super) fn begin() -> Self {
        Self {
            patience: Box::pin(sleep(PATIENCE)),
            total: 0,
        }
    }

    /// Reads and drops what comes until the peer closes or the patience ends.
    pub(super) fn poll<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = [0; 4096];
        while self.total <= MOST {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => self.total += buf.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.patience.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_words_count_their_own_length() {
        let text = std::str::from_utf8(super::REQUEST_TIMEOUT).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
    }
}
