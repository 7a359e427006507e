//! One attempt: its time limit, and what its endpoint and the observers learn of it.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use reqwest::Response;

use super::breaker::{self, Settled};
use super::deadline::Deadline;
use super::record::CallRecord;
use super::service::Snapshot;
use super::{CallError, CallErrorKind, Try, TryEnd};
use crate::balance::{Answer, LOAD_HEADER, LoadReport, Pick};
use crate::clock::{self, Instant};
use crate::discovery::Endpoint;
use crate::event::{Event, Outcome};
use crate::resilience::breaker::OwnedPermit;
use crate::telemetry::Sensitive;
use crate::telemetry::journal::ADMIN_HEADER;
use crate::telemetry::traces::AttemptSpan;

/// Whoever answers with it wants no further calls.
const DRAINING: HeaderName = HeaderName::from_static("x-msa-draining");

/// An attempt under way. Dropped before its end it was cancelled, which is neither success nor failure.
pub(super) struct Attempt<'a> {
    call: &'a Calling<'a>,
    pick: Pick,
    permit: Option<OwnedPermit>,
    guard: Guard<'a>,
}

/// What all attempts of a call share.
pub(super) struct Calling<'a> {
    pub(super) record: &'a CallRecord,
    pub(super) state: &'a Snapshot,
    pub(super) timeout: Duration,
    pub(super) deadline: Deadline,
    /// What is not shown of an answer.
    pub(super) sensitive: &'a Sensitive,
}

/// How an attempt ended, and when.
pub(super) struct Ended {
    pub(super) result: Result<Answered, CallError>,
    pub(super) number: u32,
    pub(super) took: Duration,
    pub(super) now: Instant,
}

impl Ended {
    /// Whether it is an answer that another attempt would hardly better.
    pub(super) fn is_good(&self) -> bool {
        self.result.as_ref().is_ok_and(|answered| {
            let status = answered.response.status();
            !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
        })
    }

    /// What it adds to the list of attempts of a call that goes on; none without an endpoint.
    pub(super) fn into_try(self) -> Option<Try> {
        let (took, now) = (self.took, self.now);
        let (endpoint, end) = match self.result {
            Ok(mut answered) => {
                answered.pick.complete(now);
                let endpoint = answered.pick.endpoint().clone();
                (endpoint, TryEnd::Status(answered.response.status()))
            }
            Err(error) => (error.endpoint()?.clone(), TryEnd::Failed(error.kind())),
        };
        Some(Try {
            endpoint,
            end,
            took,
        })
    }

    /// What it tells of how loaded the callee is.
    pub(super) fn told(&self, deadline: &Deadline) -> Told {
        match &self.result {
            Ok(answered) => match answered.response.status().as_u16() {
                429 | 503 => Told::TurnedAway,
                504 => Told::Late,
                ..500 => Told::Answered,
                _ => Told::Failed,
            },
            Err(error) => match breaker::outcome_of_error(error, deadline.is_inherited()) {
                breaker::Outcome::ConnectFailure => Told::Unreachable,
                breaker::Outcome::Failure => Told::Lost,
                _ => Told::Nothing,
            },
        }
    }
}

/// What the end of a call tells of how loaded its callee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It did the work.
    Answered,
    /// It failed at it, for a reason of its own.
    Failed,
    /// It took the work, and did not get it done in time.
    Late,
    /// It refused the work.
    TurnedAway,
    /// It said nothing in time, or broke off.
    Lost,
    /// It is not there.
    Unreachable,
    /// Whoever asked did not wait.
    Nothing,
}

/// What a wait came to, before anybody looked at it.
pub(super) type Waited<E> = Result<Result<Response, E>, tokio::time::error::Elapsed>;

/// A response whose headers are there.
pub(super) struct Answered {
    pub(super) response: Response,
    pub(super) pick: Pick,
    pub(super) settled: Settled,
}

impl<'a> Attempt<'a> {
    pub(super) fn begin(
        call: &'a Calling<'a>,
        pick: Pick,
        permit: Option<OwnedPermit>,
        number: u32,
        now: Instant,
    ) -> Self {
        let endpoint = pick.endpoint().clone();
        let record = call.record;
        let picked = Event::Picked {
            service: record.service().name(),
            endpoint: endpoint.authority(),
            attempt: number,
        };
        record.tell_at(&picked, now);
        Self {
            call,
            pick,
            permit,
            guard: Guard {
                record,
                span: record.span().attempt(record.call(), number, &endpoint, now),
                endpoint,
                number,
                started: now,
                ended: false,
            },
        }
    }

    /// Which try of the call it is, from 1.
    pub(super) fn number(&self) -> u32 {
        self.guard.number
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.guard.endpoint
    }

    /// The time that this service waits for the response's headers: what the called one is told.
    pub(super) fn budget(&self) -> Duration {
        self.call.timeout.min(self.left())
    }

    /// The time until the deadline when the attempt began.
    fn left(&self) -> Duration {
        self.call.deadline.left(self.guard.started)
    }

    /// Waits for the response's headers, as long as there is time.
    pub(super) async fn wait<E: Into<CallError>>(
        mut self,
        sent: impl Future<Output = Result<Response, E>>,
    ) -> Ended {
        let waited = self.wait_for(sent).await;
        self.ended(waited)
    }

    /// The first half, which leaves the attempt where it is: [`ended`](Self::ended) is the other.
    pub(super) async fn wait_for<E>(
        &mut self,
        sent: impl Future<Output = Result<Response, E>>,
    ) -> Waited<E> {
        let until = self.guard.started + self.budget();
        let mut given_up = GivenUp(Some(&mut self.pick));
        let result = tokio::time::timeout_at(until, sent).await;
        given_up.0 = None;
        result
    }

    /// What came of the wait that is just over.
    pub(super) fn ended<E: Into<CallError>>(self, waited: Waited<E>) -> Ended {
        let now = clock::now();
        match waited {
            Ok(Ok(mut response)) => {
                self.call.sensitive.mark(response.headers_mut());
                self.answered(response, now)
            }
            Ok(Err(error)) => self.failed(error.into(), now),
            Err(_elapsed) => {
                let error = self.late();
                self.failed(error, now)
            }
        }
    }

    fn answered(self, response: Response, now: Instant) -> Ended {
        let Self {
            call,
            mut pick,
            permit,
            guard,
        } = self;
        let (status, headers) = (response.status(), response.headers());
        let leaving = headers.contains_key(DRAINING);
        if leaving {
            pick.draining(now); // whoever follows outliers tells the observers
        }
        if let Some(load) = headers.get(LOAD_HEADER)
            && let Some(report) = LoadReport::parse(load.as_bytes())
        {
            pick.report(report, now);
        }
        if let (Some(port), Some(notes)) = (headers.get(ADMIN_HEADER), call.record.notes())
            && let Some(port) = port.to_str().ok().and_then(|port| port.parse().ok())
        {
            notes.learnt_admin(guard.endpoint.authority(), port);
        }
        let breakers = &call.state.policies.breakers;
        let outcome = breaker::outcome_of_answer(status, headers, leaving);
        let settled = breakers.settle(permit, outcome, now);
        // A request that was shed is for the balancer what it is not for the breaker: a reason to go elsewhere.
        let ignored = leaving && status.is_server_error();
        pick.headers(
            match ignored {
                true => Answer::Ignored,
                false => Answer::of_status(status.as_u16()),
            },
            now,
        );
        call.state.tell_breaker(call.record, &pick, now);
        let (number, took) = guard.end(Outcome::Status(status.as_u16()), now);
        Ended {
            result: Ok(Answered {
                response,
                pick,
                settled,
            }),
            number,
            took,
            now,
        }
    }

    fn failed(self, error: CallError, now: Instant) -> Ended {
        let Self {
            call,
            mut pick,
            permit,
            guard,
        } = self;
        let error = guard.name(error);
        let breakers = &call.state.policies.breakers;
        let outcome = breaker::outcome_of_error(&error, call.deadline.is_inherited());
        breakers.settle(permit, outcome, now);
        match outcome {
            breaker::Outcome::Ignored if error.kind() == CallErrorKind::DeadlineExceeded => {
                pick.cancelled(now);
            }
            breaker::Outcome::Ignored => pick.headers(Answer::Ignored, now),
            _ => pick.headers(Answer::LocalFailure, now),
        }
        call.state.tell_breaker(call.record, &pick, now);
        if error.kind() == CallErrorKind::AttemptTimeout {
            call.record.tell(&Event::TimedOut {
                service: call.record.service().name(),
                limit: "attempt",
                after: call.timeout,
            });
        }
        let (number, took) = guard.end(Outcome::Failed(error.kind().as_str()), now);
        Ended {
            result: Err(error),
            number,
            took,
            now,
        }
    }

    fn late(&self) -> CallError {
        if self.call.timeout < self.left() {
            let limit = humantime::format_duration(self.call.timeout);
            let message = format!("no response within the attempt timeout of {limit}");
            CallError::new(CallErrorKind::AttemptTimeout, message)
        } else {
            self.call.deadline.error()
        }
    }
}

/// Tells the endpoint for how long it was waited in vain, should the wait be dropped: one that hangs must not look fast because
/// nobody waits for it to the end.
struct GivenUp<'p>(Option<&'p mut Pick>);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if let Some(pick) = self.0.take() {
            pick.cancelled(clock::now());
        }
    }
}

/// Tells the attempt's end, or that it was cancelled when it is dropped before.
struct Guard<'a> {
    record: &'a CallRecord,
    span: AttemptSpan,
    endpoint: Endpoint,
    number: u32,
    started: Instant,
    ended: bool,
}

impl Guard<'_> {
    fn name(&self, error: CallError) -> CallError {
        self.record.name(error).with_endpoint(self.endpoint.clone())
    }

    fn end(mut self, outcome: Outcome<'_>, now: Instant) -> (u32, Duration) {
        self.ended = true;
        (self.number, self.tell(outcome, now))
    }

    fn tell(&mut self, outcome: Outcome<'_>, now: Instant) -> Duration {
        self.span.end(&outcome, now);
        let elapsed = now.saturating_duration_since(self.started);
        let ended = Event::AttemptEnded {
            service: self.record.service().name(),
            endpoint: self.endpoint.authority(),
            attempt: self.number,
            method: self.record.method().as_str(),
            outcome,
            elapsed,
        };
        self.record.tell_at(&ended, now);
        elapsed
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Outcome::Cancelled, clock::now());
        }
    }
}
