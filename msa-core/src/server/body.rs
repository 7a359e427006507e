//! Time limits on requests' bodies.
//!
//! A client that sends its body a byte at a time keeps a handler, its memory and its place in every limit. So a body has
//! to come as a whole within one time, and between two of its parts within another. The clock of the second one runs
//! only while somebody waits for the body: a handler that takes its time between two reads is not the client's fault.
//!
//! A body that is late ends with the error [`BodyTimeout`], and whatever the handler then answers, the client is told
//! 408 with `connection: close`.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::IntoResponse as _;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use crate::clock::{self, Instant};
use crate::config::ServerSettings;
use crate::problem::Problem;

/// A request's body did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyTimeout {
    /// Nothing came for [`BodyLimits::idle`].
    #[error("the request's body paused for too long")]
    Stalled,
    /// The whole did not come within [`BodyLimits::total`].
    #[error("the request's body took too long to come as a whole")]
    Slow,
}

impl BodyTimeout {
    /// Finds it behind the errors that extractors and `axum::body::to_bytes` wrap around it.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(timeout) = error.downcast_ref::<Self>() {
                return Some(*timeout);
            }
            next = error.source();
        }
        None
    }
}

/// How long bodies may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyLimits {
    /// The whole body, from the request's head on. 60 s.
    pub total: Duration,
    /// From one part to the next, while somebody waits for it. 15 s.
    pub idle: Duration,
}

impl BodyLimits {
    /// These limits.
    #[must_use]
    pub const fn new(total: Duration, idle: Duration) -> Self {
        Self { total, idle }
    }
}

impl From<&ServerSettings> for BodyLimits {
    fn from(settings: &ServerSettings) -> Self {
        Self::new(
            settings.body_timeout.get(),
            settings.body_idle_timeout.get(),
        )
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self::from(&ServerSettings::default())
    }
}

/// Puts [`BodyLimits`] on every request that has a body; requests without pass untouched.
#[derive(Debug, Clone, Default)]
pub struct BodyDeadlineLayer(BodyLimits);

impl BodyDeadlineLayer {
    /// With these limits.
    #[must_use]
    pub const fn new(limits: BodyLimits) -> Self {
        Self(limits)
    }
}

impl<S> tower::Layer<S> for BodyDeadlineLayer {
    type Service = BodyDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyDeadline {
            inner,
            limits: self.0,
        }
    }
}

/// The service of [`BodyDeadlineLayer`].
#[derive(Debug, Clone)]
pub struct BodyDeadline<S> {
    inner: S,
    limits: BodyLimits,
}

impl<S> tower::Service<Request<Body>> for BodyDeadline<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if request.body().is_end_stream() {
            return ResponseFuture {
                inner: self.inner.call(request),
                late: None,
            };
        }
        let late = Late::time(&mut request, self.limits, clock::now());
        ResponseFuture {
            inner: self.inner.call(request),
            late: Some(late),
        }
    }
}

/// Tells the answer that the body was late, whatever the handler made of its error.
#[derive(Clone, Default)]
pub(super) struct Late(Arc<AtomicU8>);

impl Late {
    /// Puts the limits on the body of a request that came at `now`.
    pub(super) fn time(request: &mut Request<Body>, limits: BodyLimits, now: Instant) -> Self {
        let late = Self::default();
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(TimedBody::new(body, limits, late.clone(), now));
        late
    }

    /// What the client is told instead, when its body was late and the handler did not succeed without it.
    #[inline]
    pub(super) fn overrule(&self, response: &mut Response<Body>) {
        if let Some(timeout) = self.get().filter(|_| !response.status().is_success()) {
            *response = too_late(timeout);
        }
    }

    fn set(&self, timeout: BodyTimeout) {
        let value = match timeout {
            BodyTimeout::Stalled => 1,
            BodyTimeout::Slow => 2,
        };
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> Option<BodyTimeout> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(BodyTimeout::Stalled),
            _ => Some(BodyTimeout::Slow),
        }
    }
}

pin_project! {
    /// The answer of a [`BodyDeadline`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        late: Option<Late>,
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(late) = this.late {
            late.overrule(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}

#[cold]
fn too_late(timeout: BodyTimeout) -> Response<Body> {
    Problem::new(StatusCode::REQUEST_TIMEOUT)
        .detail(timeout.to_string())
        // The rest of the body may still come, so nothing can follow it. hyper takes it off on HTTP/2.
        .header(CONNECTION, HeaderValue::from_static("close"))
        .into_response()
}

pin_project! {
    /// A body under [`BodyLimits`].
    struct TimedBody {
        #[pin]
        inner: Body,
        // Made when the body must be waited for at all; most come in the same read as their head.
        #[pin]
        timer: Option<Sleep>,
        limits: BodyLimits,
        due: Instant,
        waiting_since: Option<Instant>,
        late: Late,
    }
}

impl TimedBody {
    fn new(inner: Body, limits: BodyLimits, late: Late, now: Instant) -> Self {
        Self {
            inner,
            timer: None,
            limits,
            due: now + limits.total,
            waiting_since: None,
            late,
        }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        if let Some(timeout) = this.late.get() {
            return Poll::Ready(Some(Err(axum::Error::new(timeout))));
        }
        if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
            *this.waiting_since = None;
            return Poll::Ready(frame);
        }
        // The wait's beginning is kept, and the timer is moved only when it rings: never per read.
        let since = *this.waiting_since.get_or_insert_with(clock::now);
        loop {
            let stalled = since + this.limits.idle;
            let due = stalled.min(*this.due);
            if this.timer.is_none() {
                this.timer.set(Some(sleep_until(due)));
            }
            let Some(mut timer) = this.timer.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            ready!(timer.as_mut().poll(cx));
            if clock::now() < due {
                timer.reset(due);
                continue;
            }
            let timeout = if stalled <= *this.due {
                BodyTimeout::Stalled
            } else {
                BodyTimeout::Slow
            };
            this.late.set(timeout);
            return Poll::Ready(Some(Err(axum::Error::new(timeout))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
