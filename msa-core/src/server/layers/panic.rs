//! What a panic in a handler is answered.
//!
//! tower-http's layer does the same, but boxes every answer's body, which must then be boxed again to be axum's: 560
//! instructions, 3 % of what a small request costs.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::problem::Problem;

/// Answers 500 for a handler that panics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PanicLayer;

impl<S> Layer<S> for PanicLayer {
    type Service = PanicService<S>;

    fn layer(&self, inner: S) -> PanicService<S> {
        PanicService(inner)
    }
}

#[derive(Debug, Clone)]
pub struct PanicService<S>(S);

impl<S> Service<Request<Body>> for PanicService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = PanicFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> PanicFuture<S::Future> {
        // The service is used on only by requests that come later, which a panic in between must not stop.
        match catch_unwind(AssertUnwindSafe(|| self.0.call(request))) {
            Ok(inner) => PanicFuture::Running { inner },
            Err(panic) => PanicFuture::Panicked { panic: Some(panic) },
        }
    }
}

pin_project! {
    #[project = PanicProjection]
    pub enum PanicFuture<F> {
        Running {
            #[pin]
            inner: F,
        },
        Panicked {
            panic: Option<Box<dyn Any + Send>>,
        },
    }
}

impl<F, E> Future for PanicFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let panic = match self.project() {
            // The future is not polled again after it panicked.
            PanicProjection::Running { inner } => {
                match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
                    Ok(polled) => return polled,
                    Err(panic) => panic,
                }
            }
            PanicProjection::Panicked { panic } => match panic.take() {
                Some(panic) => panic,
                // Polled again after its end it has nothing more to say.
                None => return Poll::Pending,
            },
        };
        Poll::Ready(Ok(panicked(&*panic)))
    }
}

/// Logs the panic and answers 500; the message stays in the log, since it may name what outsiders should not see.
#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "a value that is not text",
    };
    tracing::error!(target: "msa::server", panic = message, "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("the service met an error of its own; its log tells more under this GTXID")
        .into_response()
}
