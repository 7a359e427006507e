//! A handler that runs.
//!
//! One future of one poll function, where combinators would do: a service has many handlers, and what is generic over them is
//! compiled for each.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::Handler;
use crate::clock::{self, Instant};
use crate::problem::Problem;
use crate::txn::{self, Txn, TxnBody};

pin_project! {
    /// The future of [`Handler::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Running<F, A> {
        #[pin]
        handler: F,
        // Taken when it is over.
        answer: Option<A>,
        around: Around,
        // Made when the handler is waited for at all: most are ready at once.
        #[pin]
        sleep: Option<Sleep>,
    }
}

/// What is the same for all handlers.
#[derive(Debug)]
struct Around {
    /// The transaction as the handler changes it.
    txn: Option<Txn>,
    limit: Option<(Instant, Duration)>,
    /// Whether the handler has a criticality of its own.
    is_ranked: bool,
}

impl<F, A> Running<F, A> {
    pub(super) fn new(settings: &Handler, handler: F, answer: A) -> Self {
        Self {
            handler,
            answer: Some(answer),
            around: Around::new(settings),
            sleep: None,
        }
    }
}

impl<F, A> Future for Running<F, A>
where
    F: Future,
    A: FnOnce(F::Output) -> Response,
{
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let this = self.project();
        let (mut handler, answer) = (this.handler, this.answer);
        let polled = this.around.within(&mut || {
            let output = ready!(handler.as_mut().poll(cx));
            match answer.take() {
                Some(answer) => Poll::Ready(this.around.carried(answer(output))),
                None => Poll::Pending, // polled again after its end it has nothing more to say
            }
        });
        match polled {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => this.around.poll_late(this.sleep, cx),
        }
    }
}

impl Around {
    fn new(settings: &Handler) -> Self {
        let current = txn::current();
        if let Some(txn) = &current {
            txn.handled_by(settings.name);
        }
        let limit = settings
            .timeout
            .map(|timeout| (clock::now() + timeout, timeout));
        let changed = limit.is_some() || settings.criticality.is_some();
        let txn = current.filter(|_| changed).map(|mut txn| {
            if let Some((deadline, _)) = limit {
                txn = txn.with_deadline(deadline);
            }
            match settings.criticality {
                Some(criticality) => txn.with_criticality(criticality),
                None => txn,
            }
        });
        Self {
            txn,
            limit,
            is_ranked: settings.criticality.is_some(),
        }
    }

    fn within(&self, poll: &mut dyn FnMut() -> Poll<Response>) -> Poll<Response> {
        match &self.txn {
            Some(txn) => txn::sync_scope(txn.clone(), poll),
            None => poll(),
        }
    }

    /// What matters more or less does so for what a streamed body calls, too. The handler's time is over by then, as is the request's: who
    /// waits for the body got the answer's head in time.
    fn carried(&self, answer: Response) -> Response {
        match &self.txn {
            Some(txn) if self.is_ranked && !answer.body().is_end_stream() => {
                answer.map(|body| Body::new(TxnBody::new(body, txn.without_deadline())))
            }
            _ => answer,
        }
    }

    /// The answer 504 once the handler's time is over. Asked only while it is not ready.
    fn poll_late(
        &self,
        mut sleep: Pin<&mut Option<Sleep>>,
        cx: &mut Context<'_>,
    ) -> Poll<Response> {
        let Some((deadline, timeout)) = self.limit else {
            return Poll::Pending;
        };
        if sleep.is_none() {
            sleep.set(Some(sleep_until(deadline)));
        }
        if let Some(sleep) = sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        Poll::Ready(late(timeout))
    }
}

#[cold]
fn late(timeout: Duration) -> Response {
    let allowed = humantime::format_duration(timeout);
    tracing::warn!(target: "msa::handler", %allowed, "the handler was not ready in time and is given up");
    Problem::new(StatusCode::GATEWAY_TIMEOUT)
        .title("Deadline exceeded")
        .detail(format!(
            "the request was not answered within the {allowed} that its handler has"
        ))
        .into_response()
}
