//! The bulkhead in front of an HTTP service.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::Layer;

use super::{Bulkhead, BulkheadService, OwnedPermit};

/// Lets only so many requests into a service at a time. A request is in it until its response's body ends or is dropped.
///
/// A request that gets no permit fails with [`Full`](super::Full). All services that one layer makes share its permits.
#[derive(Debug, Clone)]
pub struct BulkheadLayer {
    bulkhead: Bulkhead,
}

impl BulkheadLayer {
    /// With these permits, which others may share.
    #[must_use]
    pub fn new(bulkhead: Bulkhead) -> Self {
        Self { bulkhead }
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = BulkheadService<S>;

    fn layer(&self, inner: S) -> BulkheadService<S> {
        BulkheadService::new(inner, self.bulkhead.clone())
    }
}

pin_project! {
    /// A response's body, and the permit of its request.
    #[derive(Debug)]
    pub struct BulkheadBody<B> {
        #[pin]
        inner: B,
        permit: Option<OwnedPermit>,
    }
}

impl<B: Body> BulkheadBody<B> {
    /// Keeps the permit until the body ends or is dropped; no longer than now when it is empty.
    pub fn new(inner: B, permit: OwnedPermit) -> Self {
        let permit = (!inner.is_end_stream()).then_some(permit);
        Self { inner, permit }
    }
}

impl<B: Body> Body for BulkheadBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = this.inner.poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            *this.permit = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
