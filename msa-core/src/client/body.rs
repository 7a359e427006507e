//! The response as the caller gets it: its body has a size limit and a deadline, and ends what the call counted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use reqwest::{Body, Response, ResponseBuilderExt};
use tokio::time::Sleep;

use super::admission::Admission;
use super::attempt::Answered;
use super::breaker::Settled;
use super::deadline::Deadline;
use super::record::CallRecord;
use super::service::Snapshot;
use super::{CallError, CallErrorKind};
use crate::balance::Pick;
use crate::clock::{self, Instant};
use crate::config::Size;

/// Wraps the body of a response whose headers arrived. `deadline` is `None` for a stream.
///
/// Version, status, headers, length and extensions (with them the remote address) stay as they were. Its URL names the
/// service as the caller did, not the endpoint: so it can be called again (also by a relative link), and reqwest's own
/// errors, which know no more than the URL, name the service.
pub(super) fn guard(
    answered: Answered,
    mut record: CallRecord,
    state: Arc<Snapshot>,
    admission: Admission,
    max: u64,
    deadline: Option<Deadline>,
) -> Result<Response, CallError> {
    let Answered {
        response,
        pick,
        settled,
    } = answered;
    record.answered(response.status().as_u16());
    let mut end = End {
        record,
        state,
        pick,
        settled,
        admission: Some(admission),
        open: true,
    };
    if response.content_length() == Some(0) {
        end.settle(None);
        if response.status().as_u16() < 400 {
            return Ok(response); // nothing is read from it, and nothing can be wrong with it
        }
    }
    let mut url = response.url().clone();
    let service = end.record.service();
    if !service.is_plain() {
        // Both can be: the caller's URL had this host, and a port is always optional with one.
        let _ = url.set_host(Some(service.name()));
        let _ = url.set_port(None);
    }
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    let mut builder = http::Response::builder()
        .status(parts.status)
        .version(parts.version);
    if let Some(headers) = builder.headers_mut() {
        *headers = parts.headers;
    }
    if let Some(extensions) = builder.extensions_mut() {
        *extensions = parts.extensions;
    }
    let body = Body::wrap(GuardedBody {
        body,
        left: max,
        max,
        sleep: None,
        deadline,
        end,
    });
    match builder.url(url).body(body) {
        Ok(response) => Ok(Response::from(response)),
        // Its parts were a response's a moment ago.
        Err(error) => Err(CallError::new(
            CallErrorKind::Invalid,
            "the response cannot be put together again",
        )
        .with_source(error)),
    }
}

/// What the end of the body ends.
struct End {
    record: CallRecord,
    state: Arc<Snapshot>,
    pick: Pick,
    settled: Settled,
    admission: Option<Admission>,
    open: bool,
}

impl End {
    fn settle(&mut self, failure: Option<CallErrorKind>) {
        self.settle_at(failure, clock::now);
    }

    fn settle_at(&mut self, failure: Option<CallErrorKind>, now: impl FnOnce() -> Instant) {
        if std::mem::take(&mut self.open) {
            let now = now();
            match failure {
                None => self.pick.complete(now),
                Some(_) => self.failed(now),
            }
            self.record.end(failure, now);
            self.admission = None;
        }
    }

    fn failed(&mut self, now: Instant) {
        self.pick.body_failed(now);
        let breakers = &self.state.policies.breakers;
        breakers.body_failed(&self.pick, self.settled, now);
        self.state.tell_breaker(&self.record, &self.pick, now);
    }

    fn fail(&mut self, error: CallError) -> CallError {
        let error = self
            .record
            .name(error)
            .with_endpoint(self.pick.endpoint().clone());
        self.settle(Some(error.kind()));
        error
    }
}

impl Drop for End {
    /// After the headers a drop is an end like any other: hyper drops bodies that it needs not read to the end.
    fn drop(&mut self) {
        self.settle(None);
    }
}

pin_project! {
    struct GuardedBody {
        #[pin]
        body: Body,
        left: u64,
        max: u64,
        // Made when the body first makes us wait; most small ones are there with their headers.
        #[pin]
        sleep: Option<Sleep>,
        deadline: Option<Deadline>,
        end: End,
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let mut this = self.project();
        if !this.end.open {
            return Poll::Ready(None);
        }
        if this.body.size_hint().lower() > *this.left {
            return Poll::Ready(Some(Err(this.end.fail(too_large(*this.max)))));
        }
        let polled = this.body.as_mut().poll_frame(cx);
        let mut came = None;
        if let Some(deadline) = *this.deadline {
            // A body that is always ready never makes us wait, and may come too late all the same.
            let late = match &polled {
                Poll::Ready(Some(Ok(_))) => deadline.has_passed(*came.insert(clock::now())),
                Poll::Ready(_) => false,
                Poll::Pending => {
                    if this.sleep.is_none() {
                        let sleep = tokio::time::sleep_until(deadline.at());
                        this.sleep.as_mut().set(Some(sleep));
                    }
                    this.sleep
                        .as_mut()
                        .as_pin_mut()
                        .is_some_and(|sleep| sleep.poll(cx).is_ready())
                }
            };
            if late {
                return Poll::Ready(Some(Err(this.end.fail(deadline.error()))));
            }
        }
        match ready!(polled) {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                match this.left.checked_sub(length) {
                    Some(left) => *this.left = left,
                    None => return Poll::Ready(Some(Err(this.end.fail(too_large(*this.max))))),
                }
                if this.body.is_end_stream() {
                    let now = || came.unwrap_or_else(clock::now);
                    this.end.settle_at(None, now);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let error = CallError::new(
                    CallErrorKind::Body,
                    "the response's body broke off before its end",
                )
                .with_source(error);
                Poll::Ready(Some(Err(this.end.fail(error))))
            }
            None => {
                this.end.settle(None);
                Poll::Ready(None)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        !self.end.open || self.body.is_end_stream()
    }
}

fn too_large(max: u64) -> CallError {
    let max = Size::bytes(max);
    CallError::new(
        CallErrorKind::Body,
        format!("the response's body is larger than the {max} that `max_response` allows"),
    )
}
