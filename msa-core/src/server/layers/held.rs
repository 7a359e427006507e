//! What a request holds until its answer is out: its place within the limit, and its part of the server's load.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use super::shed::Overload;
use crate::balance::{LOAD_HEADER, LoadReport};
use crate::clock::{self, Instant};
use crate::resilience::limit::Permit;
use crate::server::load::LoadGuard;
use crate::txn::{Ltxid, Txn};

/// What a request holds. Dropped, it gives all of it back.
pub(crate) struct Held {
    pub(crate) permit: Option<Permit>,
    pub(crate) load: Measured,
}

/// A request's part of the load. Dropped before its end, its caller went away.
pub(crate) struct Measured {
    guard: Option<LoadGuard>,
    /// Whether its latency tells of the load: those of callers of our kind do, others only count.
    tells: bool,
}

impl Measured {
    pub(crate) fn new(guard: LoadGuard, txn: &Txn) -> Self {
        Self {
            guard: Some(guard),
            tells: txn.ltxid() != Ltxid::FIRST,
        }
    }

    fn complete(mut self, now: Instant) {
        if let Some(guard) = self.guard.take().filter(|_| self.tells) {
            guard.complete(now);
        }
    }

    /// Counts the request out, and keeps no latency.
    fn forget(mut self) {
        self.guard = None;
    }

    fn report(&self, now: Instant) -> Option<LoadReport> {
        let guard = self.guard.as_ref().filter(|_| self.tells)?;
        Some(guard.report(now))
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take().filter(|_| self.tells) {
            guard.cancelled(clock::now());
        }
    }
}

impl Held {
    /// The answer's head is there. What has to be held for longer goes with its body.
    ///
    /// The load is told to callers of our kind, who may balance by it, and measured by their requests; others only count.
    #[inline]
    pub(crate) fn answer(self, overload: &Overload, response: &mut Response, now: Instant) {
        let whole = response.body().size_hint().exact().is_some();
        if self.permit.is_none() && !self.load.tells {
            if !whole {
                self.keep(response);
            }
            return;
        }
        if let Some(report) = self.load.report(now) {
            let headers = response.headers_mut();
            headers.insert(LOAD_HEADER, report.to_header());
        }
        let Self { permit, load } = self;
        let permit = permit.and_then(|permit| overload.answered(permit, response, now));
        if whole {
            // It is there already; what is left is its sending.
            load.complete(now);
            return;
        }
        Self { permit, load }.keep(response);
    }

    fn keep(self, response: &mut Response) {
        let inner = std::mem::take(response.body_mut());
        let held = Some(self);
        *response.body_mut() = Body::new(HeldBody { inner, held });
    }
}

pin_project! {
    /// A body that holds until it ends, fails or is dropped.
    struct HeldBody {
        #[pin]
        inner: Body,
        held: Option<Held>,
    }
}

impl http_body::Body for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        let failed = matches!(frame, Some(Err(_)));
        if (frame.is_none() || failed || this.inner.is_end_stream())
            && let Some(held) = this.held.take()
        {
            if failed {
                held.load.forget(); // nobody knows how long it would have taken
            } else {
                held.load.complete(clock::now());
            }
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
