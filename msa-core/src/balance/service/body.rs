//! A response's body that holds the pick.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::grpc;
use crate::balance::{Answer, Pick};
use crate::clock;

pin_project! {
    /// A response's body whose end, or drop, ends what the choice counted.
    #[derive(Debug)]
    pub struct BalancedBody<B> {
        #[pin]
        inner: B,
        held: Held,
    }
}

#[derive(Debug)]
struct Held {
    pick: Pick,
    failed: bool,
}

impl<B> BalancedBody<B> {
    pub(super) fn new(inner: B, pick: Pick) -> Self {
        let held = Held {
            pick,
            failed: false,
        };
        Self { inner, held }
    }

    /// The body without the pick, whose request counts as complete now.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.inner
    }
}

impl Held {
    fn end(&mut self) {
        let now = clock::now();
        if self.failed {
            self.pick.body_failed(now);
        } else {
            self.pick.complete(now);
        }
    }
}

impl Drop for Held {
    /// After the headers a drop is an end like any other.
    fn drop(&mut self) {
        self.end();
    }
}

impl<B: Body> Body for BalancedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let told = frame.trailers_ref().and_then(grpc::in_fields);
                this.held.failed |= told.is_some_and(Answer::is_failure);
            }
            Some(Err(_)) => {
                this.held.failed = true;
                this.held.end();
            }
            None => this.held.end(),
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
