//! One request on its way between hyper and the inbound stack.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::util::Oneshot;

use super::DRAINING;
use super::conn::{Conn, InFlight};
use super::host;
use super::tracker::Stage;
use crate::health::Probe;
use crate::problem::Problem;

/// The inbound stack as hyper calls it.
pub(super) struct Inbound<S> {
    service: S,
    conn: Arc<Conn>,
}

impl<S> Inbound<S> {
    pub(super) fn new(service: S, conn: Arc<Conn>) -> Self {
        Self { service, conn }
    }
}

impl<S> hyper::service::Service<Request<Incoming>> for Inbound<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<Tracked>;
    type Error = Infallible;
    type Future = Respond<S>;

    #[inline]
    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let has_body = !request.body().is_end_stream();
        let guard = self.conn.begin(request.method(), request.uri(), has_body);
        let refusal = match host::fault(request.version(), request.headers()) {
            Some(fault) => Some(Refusal::Host(fault)),
            None => {
                let full = self.conn.reserved && Probe::from_path(request.uri().path()).is_none();
                full.then_some(Refusal::Full)
            }
        };
        if let Some(refusal) = refusal {
            return Respond {
                state: State::Refused { refusal },
                guard: Some(guard),
            };
        }
        let (mut parts, body) = request.into_parts();
        // What axum's own `serve` calls the peer, so that extractors know it.
        parts.extensions.insert(ConnectInfo(self.conn.peer));
        // An empty body boxes nothing.
        let body = if has_body {
            Body::new(body)
        } else {
            Body::empty()
        };
        let request = Request::from_parts(parts, body);
        Respond {
            state: State::of(self.service.clone(), request),
            guard: Some(guard),
        }
    }
}

pin_project! {
    /// The answer to come.
    pub(super) struct Respond<S: tower::Service<Request<Body>>> {
        #[pin]
        state: State<S>,
        guard: Option<InFlight>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S: tower::Service<Request<Body>>> {
        Called { #[pin] future: S::Future },
        Waiting { #[pin] future: Oneshot<S, Request<Body>> },
        Refused { refusal: Refusal },
    }
}

/// Why a request does not reach the stack.
#[derive(Clone, Copy)]
enum Refusal {
    /// The connection is one of the reserve, and it asks for anything but a probe.
    Full,
    Host(&'static str),
}

impl<S: tower::Service<Request<Body>>> State<S> {
    /// A router is always ready, and then the request need not be carried about until it is asked.
    #[inline]
    fn of(mut service: S, request: Request<Body>) -> Self {
        let mut nobody = Context::from_waker(Waker::noop());
        match service.poll_ready(&mut nobody) {
            Poll::Ready(Ok(())) => Self::Called {
                future: service.call(request),
            },
            // It is asked again, with a waker.
            Poll::Ready(Err(_)) | Poll::Pending => Self::Waiting {
                future: Oneshot::new(service, request),
            },
        }
    }
}

impl<S> Future for Respond<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Output = Result<Response<Tracked>, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.state.project() {
            StateProj::Called { future } => match ready!(future.poll(cx)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
            StateProj::Waiting { future } => match ready!(future.poll(cx)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
            StateProj::Refused { refusal } => refused(*refusal),
        };
        if let Some(guard) = this.guard.as_ref() {
            say_goodbye(&guard.conn, &mut response);
            let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if (switched && !guard.conn.is_http2())
                || (guard.is_connect() && response.status().is_success())
            {
                guard.upgrade();
            }
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|inner| Tracked { inner, guard })))
    }
}

/// Tells the caller when this is the connection's last answer, or should be.
#[inline]
fn say_goodbye(conn: &Conn, response: &mut Response<Body>) {
    let draining = conn.tracker.stage() >= Stage::Draining;
    if !draining && !conn.reserved {
        return;
    }
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if draining {
        headers.insert(DRAINING, HeaderValue::from_static("1"));
    }
    // An upgrade's own `connection: upgrade` must stay.
    if !conn.is_http2() && !upgraded {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    let (status, detail) = match refusal {
        Refusal::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "this instance has no connection left; try another one, or again in a second",
        ),
        Refusal::Host(fault) => (StatusCode::BAD_REQUEST, fault),
    };
    let mut problem = Problem::new(status).detail(detail);
    problem = match refusal {
        Refusal::Full => problem.retry_after(Duration::from_secs(1)),
        // Where one request ends and the next begins may be another's secret.
        Refusal::Host(_) => problem.header(CONNECTION, HeaderValue::from_static("close")),
    };
    problem.into_response()
}

pin_project! {
    /// An answer's body, which keeps its request in flight until it ends.
    pub(super) struct Tracked {
        #[pin]
        inner: Body,
        guard: Option<InFlight>,
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
            *this.guard = None;
        }
        Poll::Ready(frame)
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
