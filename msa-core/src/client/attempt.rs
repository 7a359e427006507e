//! One attempt: its time limit, and what its endpoint and the observers learn of it.

use std::time::Duration;

use reqwest::Response;

use super::deadline::Deadline;
use super::record::CallRecord;
use super::{CallError, CallErrorKind};
use crate::balance::{Answer, Pick};
use crate::clock::{self, Instant};
use crate::discovery::Endpoint;
use crate::event::{Event, Outcome};

/// An attempt under way. Dropped before its end it was cancelled, which is neither success nor failure.
pub(super) struct Attempt<'a> {
    pick: Pick,
    guard: Guard<'a>,
    timeout: Duration,
    deadline: &'a Deadline,
}

impl<'a> Attempt<'a> {
    pub(super) fn begin(
        record: &'a CallRecord,
        pick: Pick,
        timeout: Duration,
        deadline: &'a Deadline,
        now: Instant,
    ) -> Self {
        let endpoint = pick.endpoint().clone();
        record.tell(&Event::Picked {
            service: record.service().name(),
            endpoint: endpoint.authority(),
            attempt: record.attempt(),
        });
        Self {
            pick,
            guard: Guard {
                record,
                endpoint,
                started: now,
                ended: false,
            },
            timeout,
            deadline,
        }
    }

    /// The time that this service waits for the response's headers: what the called one is told.
    pub(super) fn budget(&self) -> Duration {
        self.timeout.min(self.left())
    }

    /// The time until the deadline when the attempt began.
    fn left(&self) -> Duration {
        let deadline = self.deadline.at();
        deadline.saturating_duration_since(self.guard.started)
    }

    /// Waits for the response's headers, as long as there is time.
    pub(super) async fn wait<E: Into<CallError>>(
        self,
        sent: impl Future<Output = Result<Response, E>>,
    ) -> Result<(Response, Pick), CallError> {
        let until = self.guard.started + self.budget();
        let result = tokio::time::timeout_at(until, sent).await;
        let now = clock::now();
        let (outcome, result) = match result {
            Ok(Ok(response)) => {
                let status = Outcome::Status(response.status().as_u16());
                (status, Ok(response))
            }
            Ok(Err(error)) => {
                let error = self.guard.name(error.into());
                (Outcome::Failed(error.kind().as_str()), Err(error))
            }
            Err(_elapsed) => {
                let error = self.guard.name(self.late());
                (Outcome::Failed(error.kind().as_str()), Err(error))
            }
        };
        let Self {
            mut pick, guard, ..
        } = self;
        let answer = match &result {
            Ok(response) => Answer::of_status(response.status().as_u16()),
            Err(_) => Answer::LocalFailure,
        };
        pick.headers(answer, now);
        guard.end(outcome, now);
        result.map(|response| (response, pick))
    }

    fn late(&self) -> CallError {
        if self.timeout < self.left() {
            let limit = humantime::format_duration(self.timeout);
            let message = format!("no response within the attempt timeout of {limit}");
            CallError::new(CallErrorKind::AttemptTimeout, message)
        } else {
            self.deadline.error()
        }
    }
}

/// Tells the attempt's end, or that it was cancelled when it is dropped before.
struct Guard<'a> {
    record: &'a CallRecord,
    endpoint: Endpoint,
    started: Instant,
    ended: bool,
}

impl Guard<'_> {
    fn name(&self, error: CallError) -> CallError {
        self.record.name(error).with_endpoint(self.endpoint.clone())
    }

    fn end(mut self, outcome: Outcome<'_>, now: Instant) {
        self.ended = true;
        self.tell(outcome, now);
    }

    fn tell(&self, outcome: Outcome<'_>, now: Instant) {
        self.record.tell(&Event::AttemptEnded {
            service: self.record.service().name(),
            endpoint: self.endpoint.authority(),
            attempt: self.record.attempt(),
            outcome,
            elapsed: now.saturating_duration_since(self.started),
        });
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Outcome::Cancelled, clock::now());
        }
    }
}
