//! The caller's side of an exchange: the response's body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::AbortOnDrop;

/// What the server's side feeds.
pub(super) enum Piece {
    Frame(Frame<Bytes>),
    /// Told by name, so that a server that is killed does not look like one that is done.
    End,
}

/// The body; dropping it ends the server's side.
pub(super) struct Answer {
    pieces: mpsc::Receiver<Piece>,
    left: Option<u64>,
    ended: bool,
    _server: AbortOnDrop,
}

impl Answer {
    pub(super) fn new(
        pieces: mpsc::Receiver<Piece>,
        size: Option<u64>,
        server: AbortOnDrop,
    ) -> Self {
        Self {
            pieces,
            left: size,
            ended: false,
            _server: server,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        Poll::Ready(match piece {
            Some(Piece::Frame(frame)) => {
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                Some(Ok(frame))
            }
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(io::ErrorKind::ConnectionReset.into()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
