//! The request's span goes with the answer's body, and ends with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::telemetry::traces::ServerSpan;
use crate::txn::Txn;

/// The answer's head is there. Where nothing is recorded, nothing is wrapped.
#[inline]
pub(crate) fn answer(span: &mut ServerSpan, txn: &Txn, response: &mut Response) {
    span.answered(response.status(), txn.handler());
    if span.is_recorded() {
        go_along(span, response);
    }
}

fn go_along(span: &mut ServerSpan, response: &mut Response) {
    if response.body().is_end_stream() {
        span.end();
        return;
    }
    let span = std::mem::take(span);
    let inner = std::mem::take(response.body_mut());
    *response.body_mut() = Body::new(SpannedBody { inner, span });
}

pin_project! {
    /// A body that is polled inside its request's span, which ends when the body ends, fails or is dropped.
    struct SpannedBody {
        #[pin]
        inner: Body,
        span: ServerSpan,
    }
}

impl http_body::Body for SpannedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = {
            let _inside = this.span.enter();
            ready!(this.inner.as_mut().poll_frame(cx))
        };
        match &frame {
            Some(Err(_)) => this.span.body_failed(),
            Some(Ok(_)) if !this.inner.is_end_stream() => {}
            _ => this.span.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
