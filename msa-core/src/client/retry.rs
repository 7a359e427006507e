//! The retry policy at work on one call.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Request;
use url::Url;

use super::attempt::{Answered, Ended};
use super::deadline::Deadline;
use super::kept::{self, Kept};
use super::record::CallRecord;
use super::service::Snapshot;
use super::{CallError, CallErrorKind, CallOptions, Failure};
use crate::clock::Instant;
use crate::discovery::Endpoint;
use crate::resilience::retry::{Circumstances, Ending, Retry, RetryCall, is_idempotent};
use crate::txn::Txn;

/// One call's retries.
pub(super) struct Retrying<'a> {
    call: RetryCall<Arc<Retry>>,
    idempotent: bool,
    deadline: Instant,
    txn: &'a Txn,
}

/// What follows an attempt.
pub(super) enum Next {
    /// This is the call's result.
    Over(Result<Answered, CallError>),
    /// The request goes out again after this wait.
    Again(Request, Duration),
}

impl<'a> Retrying<'a> {
    pub(super) fn begin(
        state: &Snapshot,
        request: &Request,
        options: &CallOptions,
        deadline: &Deadline,
        txn: &'a Txn,
        now: Instant,
    ) -> Self {
        let policy = &state.policies.retry;
        let call = match options.get_max_retries() {
            None => policy.begin_shared(now),
            Some(retries) => Arc::new(Retry::clone(policy).max_retries(retries)).begin_shared(now),
        };
        Self {
            call,
            idempotent: (options.get_idempotent())
                .unwrap_or_else(|| is_idempotent(request.method(), request.headers())),
            deadline: deadline.at(),
            txn,
        }
    }

    /// The next attempt starts.
    pub(super) fn started(&mut self) {
        self.call.started();
    }

    /// Whether the request may be processed twice.
    pub(super) fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// What stays of the request while it is sent, unless this is the last attempt, and nobody else wants it.
    pub(super) fn keep(&self, request: &mut Request, logical: Url, wanted: bool) -> Option<Kept> {
        let policy = self.call.policy();
        if self.call.attempt() >= policy.max_attempts() && !wanted {
            return None;
        }
        kept::keep(request, logical, policy.replay_limit())
    }

    /// Decides on what follows, and tells it. An endpoint whose attempt is not the last is one to avoid from then on.
    pub(super) fn after(
        &mut self,
        ended: Ended,
        kept: Option<Kept>,
        record: &CallRecord,
        avoid: &mut Vec<Endpoint>,
    ) -> Next {
        let ending = self.ending(&ended);
        let limit = (!ending.is_unprocessed()).then(|| self.call.policy().replay_limit());
        let circumstances = Circumstances {
            idempotent: self.idempotent,
            repeatable: kept.as_ref().is_some_and(|kept| kept.is_whole(limit)),
            deadline: Some(self.deadline),
            txn: Some(self.txn),
            ..Circumstances::default()
        };
        let decision = self.call.after(&ending, &circumstances, || ended.now);
        let inside = record.span().enter();
        decision.tell(
            record.observers(),
            record.service().name(),
            ended.number,
            &ending,
        );
        drop(inside);
        let Some(delay) = decision.delay() else {
            return Next::Over(ended.result);
        };
        // Not before it is decided: a body that is taken back is not sent to its end.
        let Some(request) = kept.and_then(Kept::back) else {
            return Next::Over(ended.result);
        };
        if let Some(one) = ended.into_try() {
            avoid.push(one.endpoint.clone());
            record.tried(one);
        }
        Next::Again(request, delay)
    }

    fn ending(&self, ended: &Ended) -> Ending {
        match &ended.result {
            Ok(answered) => {
                let response = &answered.response;
                let status = response.status().as_u16();
                let policy = self.call.policy();
                policy.answered(status, response.headers(), || ended.now)
            }
            Err(error) => ending_of(error),
        }
    }
}

/// What an error says about trying again.
fn ending_of(error: &CallError) -> Ending {
    match (error.kind(), error.failure()) {
        (_, Some(failure)) if failure.is_connect() => Ending::NotConnected,
        (_, Some(Failure::NeverSent)) => Ending::NotProcessed,
        (CallErrorKind::AttemptTimeout | CallErrorKind::DeadlineExceeded, _) => Ending::TimedOut,
        (CallErrorKind::Reset | CallErrorKind::Fault, _) => Ending::Reset,
        _ => Ending::Good,
    }
}
