//! One logical call from its start to the end of its body, and what observers are told of it.

use std::sync::Arc;

use super::service::Service;
use super::{CallError, CallErrorKind};
use crate::clock::{self, Instant};
use crate::event::{Event, Observers, Outcome};
use crate::txn::Call;

/// Tells the end of the call when it is ended or, if the caller went away, dropped.
pub(super) struct CallRecord {
    service: Arc<Service>,
    call: Call,
    observers: Observers,
    started: Instant,
    attempts: u32,
    outcome: Outcome<'static>,
    ended: bool,
}

impl CallRecord {
    pub(super) fn begin(
        service: Arc<Service>,
        call: Call,
        observers: Observers,
        now: Instant,
    ) -> Self {
        Self {
            service,
            call,
            observers,
            started: now,
            attempts: 0,
            outcome: Outcome::Cancelled,
            ended: false,
        }
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// Which attempt runs now, from 1; 0 before the first.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts
    }

    pub(super) fn next_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        self.observers.tell(event);
    }

    /// The headers arrived: what the caller got, unless its body fails.
    pub(super) fn answered(&mut self, status: u16) {
        self.outcome = Outcome::Status(status);
    }

    /// An error of this kind that names everything the record knows.
    pub(super) fn error(
        &self,
        kind: CallErrorKind,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> CallError {
        self.name(CallError::new(kind, message))
    }

    /// The same error, with everything the record knows.
    pub(super) fn name(&self, error: CallError) -> CallError {
        error
            .with_service(self.service.name().clone())
            .with_attempts(self.attempts)
            .with_gtxid(*self.call.gtxid())
    }

    /// The call failed: tells so, and gives the error back.
    pub(super) fn fail(mut self, error: CallError) -> CallError {
        self.end(Some(error.kind()), clock::now());
        error
    }

    /// The call is over, with this failure or with what was answered.
    pub(super) fn end(&mut self, failure: Option<CallErrorKind>, now: Instant) {
        if let Some(kind) = failure {
            self.outcome = Outcome::Failed(kind.as_str());
        }
        self.ended = true;
        self.tell(&Event::CallEnded {
            service: self.service.name(),
            attempts: self.attempts,
            outcome: self.outcome,
            elapsed: now.saturating_duration_since(self.started),
        });
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if !self.ended {
            self.end(None, clock::now());
        }
    }
}
