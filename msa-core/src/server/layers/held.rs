//! What a request holds until its answer is out: its place within the limit, and its part of the server's load.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use super::shed::Overload;
use crate::balance::LOAD_HEADER;
use crate::clock;
use crate::resilience::limit::Permit;
use crate::server::load::LoadGuard;
use crate::txn::{Ltxid, Txn};

/// What a request holds. Dropped, it gives all of it back.
pub(crate) struct Held {
    pub(crate) permit: Option<Permit>,
    pub(crate) load: LoadGuard,
}

impl Held {
    /// The answer's head is there. What has to be held for longer goes with its body.
    ///
    /// The load is told to callers of our kind, who may balance by it, and measured by their requests; others only count.
    #[inline]
    pub(crate) fn answer(self, overload: &Overload, txn: &Txn, response: &mut Response) {
        let asked = txn.ltxid() != Ltxid::FIRST;
        if self.permit.is_none() && !asked {
            if response.body().size_hint().exact().is_none() {
                self.keep(response, false);
            }
            return;
        }
        let now = clock::now();
        if asked {
            let report = self.load.report(now).to_header();
            response.headers_mut().insert(LOAD_HEADER, report);
        }
        let Self { permit, load } = self;
        let permit = permit.and_then(|permit| overload.answered(permit, response, now));
        if response.body().size_hint().exact().is_some() {
            // It is there already; what is left is its sending.
            load.complete(now);
            return;
        }
        Self { permit, load }.keep(response, asked);
    }

    fn keep(self, response: &mut Response, measured: bool) {
        let inner = std::mem::take(response.body_mut());
        let held = Some(self);
        *response.body_mut() = Body::new(HeldBody {
            inner,
            held,
            measured,
        });
    }
}

pin_project! {
    /// A body that holds until it ends, fails or is dropped.
    struct HeldBody {
        #[pin]
        inner: Body,
        held: Option<Held>,
        measured: bool,
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
            && *this.measured
            && !failed
        {
            held.load.complete(clock::now());
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
