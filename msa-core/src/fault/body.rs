//! Bodies with a fault.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

/// The connection is lost on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault on purpose: the connection is lost")]
#[non_exhaustive]
pub struct Lost;

/// A body that fails before its first byte: hyper closes the connection (HTTP/1) or resets the stream (HTTP/2).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ResetBody;

impl Body for ResetBody {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        Poll::Ready(Some(Err(Lost)))
    }
}

/// How often a part of a slow body comes.
const TICK: Duration = Duration::from_millis(100);

pin_project! {
    /// A body that comes at so many bytes a second, a tenth of them at once.
    pub struct SlowBody<B> {
        #[pin]
        inner: B,
        part: usize,
        rest: Bytes,
        #[pin]
        pause: Option<Sleep>,
    }
}

impl<B> SlowBody<B> {
    /// The body at this many bytes a second, at least ten.
    pub fn new(inner: B, bytes_per_second: u64) -> Self {
        let part = usize::try_from(bytes_per_second / 10).unwrap_or(usize::MAX);
        Self {
            inner,
            part: part.max(1),
            rest: Bytes::new(),
            pause: None,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for SlowBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if let Some(pause) = this.pause.as_mut().as_pin_mut() {
            ready!(pause.poll(cx));
            this.pause.set(None);
        }
        if this.rest.is_empty() {
            match ready!(this.inner.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let part = this.rest.split_to(this.rest.len().min(*this.part));
        this.pause.set(Some(sleep(TICK)));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

impl<B> fmt::Debug for SlowBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowBody")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}
