//! A body that ends, stalls or breaks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Reset;

/// What follows the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    End,
    Stall,
    Reset,
}

pub(super) struct ScriptedBody {
    bytes: Bytes,
    then: Then,
    flushed: bool,
}

impl ScriptedBody {
    pub(super) fn new(bytes: Bytes, then: Then) -> Self {
        Self {
            bytes,
            then,
            flushed: false,
        }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.then {
            Then::End => Poll::Ready(None),
            // Nothing will ever wake it.
            Then::Stall => Poll::Pending,
            Then::Reset if self.flushed => Poll::Ready(Some(Err(Reset))),
            Then::Reset => {
                // A server flushes what it has when a body has nothing now; else the error would overtake the bytes.
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.then == Then::End
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.bytes.len() as u64;
        if self.then == Then::End {
            SizeHint::with_exact(left)
        } else {
            let mut hint = SizeHint::new();
            hint.set_lower(left);
            hint
        }
    }
}
