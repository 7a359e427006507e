//! One logical call from its start to the end of its body, and what observers are told of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use reqwest::Request;

use super::service::Service;
use super::{CallError, CallErrorKind, Try};
use crate::clock::{self, Instant};
use crate::event::{Event, Notes, Observers, Outcome};
use crate::telemetry::traces::CallSpan;
use crate::txn::Call;

/// Tells the end of the call when it is ended or, if the caller went away, dropped.
pub(super) struct CallRecord {
    service: Arc<Service>,
    call: Call,
    method: Method,
    span: CallSpan,
    observers: Observers,
    started: Instant,
    attempts: AtomicU32,
    /// A breaker would have refused an attempt, and only reports; told already.
    let_through: AtomicBool,
    /// What came of the attempts that were not the last.
    tries: Mutex<Vec<Try>>,
    outcome: Outcome<'static>,
    ended: bool,
}

impl CallRecord {
    pub(super) fn begin(
        service: Arc<Service>,
        call: Call,
        span: CallSpan,
        observers: Observers,
        request: &Request,
        now: Instant,
    ) -> Self {
        if let Some(notes) = call.txn().notes() {
            let (method, path) = (request.method().as_str(), request.url().path());
            notes.call_began(call.number(), service.name(), method, path, now);
        }
        Self {
            service,
            call,
            method: request.method().clone(),
            span,
            observers,
            started: now,
            attempts: AtomicU32::new(0),
            let_through: AtomicBool::new(false),
            tries: Mutex::default(),
            outcome: Outcome::Cancelled,
            ended: false,
        }
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    pub(super) fn span(&self) -> &CallSpan {
        &self.span
    }

    /// How many attempts began.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// The number of the attempt that begins now.
    pub(super) fn next_attempt(&self) -> u32 {
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An attempt ended, and the call goes on.
    pub(super) fn tried(&self, one: Try) {
        self.tries().push(one);
    }

    fn tries(&self) -> MutexGuard<'_, Vec<Try>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt meets a fault on purpose.
    #[cfg(feature = "fault")]
    pub(super) fn met(&self, plan: &crate::fault::Plan) {
        let _inside = self.span.enter();
        crate::fault::tell(plan, self.service.name(), &self.observers);
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        self.tell_at(event, clock::now());
    }

    /// The same at a moment that was read before.
    pub(super) fn tell_at(&self, event: &Event<'_>, now: Instant) {
        let _inside = self.span.enter();
        self.observers.tell_at(event, now);
        self.note(event, now);
    }

    /// Notes it in the journal, and tells nobody else.
    pub(super) fn note(&self, event: &Event<'_>, now: Instant) {
        if let Some(notes) = self.notes() {
            notes.call_note(self.call.number(), event, now);
        }
    }

    /// Where this call is noted, if it is.
    pub(super) fn notes(&self) -> Option<&dyn Notes> {
        self.call.txn().notes().map(|notes| &**notes)
    }

    /// The call was refused: told once, as it ends the call.
    #[cold]
    pub(super) fn refused(&self) {
        self.tell_refused(false);
    }

    /// A breaker that only reports would have refused it: told once, however many attempts meet one.
    #[cold]
    pub(super) fn let_through(&self) {
        if !self.let_through.swap(true, Ordering::Relaxed) {
            self.tell_refused(true);
        }
    }

    fn tell_refused(&self, dark: bool) {
        self.tell(&Event::Refused {
            service: self.service.name(),
            policy: "circuit_breaker",
            dark,
        });
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
            .with_attempts(self.attempts())
            .with_gtxid(*self.call.gtxid())
    }

    /// The call failed: tells so, and gives the error back.
    pub(super) fn fail(mut self, error: CallError) -> CallError {
        self.end(Some(error.kind()), clock::now());
        match self.tries() {
            tries if tries.is_empty() => error,
            mut tries => error.with_tries(std::mem::take(&mut tries)),
        }
    }

    /// The call is over, with this failure or with what was answered.
    pub(super) fn end(&mut self, failure: Option<CallErrorKind>, now: Instant) {
        if let Some(kind) = failure {
            self.outcome = Outcome::Failed(kind.as_str());
        }
        self.ended = true;
        let ended = Event::CallEnded {
            service: self.service.name(),
            attempts: self.attempts(),
            outcome: self.outcome,
            elapsed: now.saturating_duration_since(self.started),
        };
        self.tell_at(&ended, now);
        let attempts = self.attempts();
        self.span.end(attempts, &self.outcome, now);
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if !self.ended {
            self.end(None, clock::now());
        }
    }
}
