//! What the policies tell: one typed stream of events.
//!
//! Every decision that msa takes on a call or a request is an [`Event`]. Faces hand it to the [`Observer`]s that they
//! were given; logs, metrics, the journal and the test recorder are observers. This file stands at the ground floor, so
//! that every part may name the events without importing the part that makes them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;

/// One decision or outcome.
///
/// Borrowed, so that telling costs no allocation; an observer that keeps one copies what it needs.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An endpoint was chosen for an attempt.
    Picked {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// Which try of the call this is, from 1.
        attempt: u32,
    },
    /// An endpoint could not be chosen for an attempt, or only if there were no other. Noted in the [`Notes`] of the request
    /// alone: looking at every endpoint is worth it only there.
    PassedOver {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// Why: `tried`, `ejected`, `unhealthy`, `draining`, `breaker_open`.
        reason: &'a str,
    },
    /// An attempt's response headers arrived, or it failed.
    AttemptEnded {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// Which try of the call this was, from 1.
        attempt: u32,
        /// The request's method.
        method: &'a str,
        /// What came of it.
        outcome: Outcome<'a>,
        /// From the start of the attempt to its headers or failure.
        elapsed: Duration,
    },
    /// A call is about to be tried again.
    Retried {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// The attempt that follows, from 2.
        attempt: u32,
        /// Why the last one was not enough: a status such as `503`, or the name of an error's kind.
        reason: &'a str,
        /// The wait before it.
        delay: Duration,
        /// Whether the retry was only decided, not done, since the policy runs dark.
        dark: bool,
    },
    /// A call could have been tried again and is not.
    RetryRefused {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// The attempt that was the last, from 1.
        attempt: u32,
        /// What stood against it.
        why: RetryRefusal,
    },
    /// One more attempt starts beside one that is still running.
    Hedged {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// The attempt that starts, from 2.
        attempt: u32,
        /// How long the earlier ones have been running.
        after: Duration,
        /// Whether it was only decided, not done.
        dark: bool,
    },
    /// A circuit breaker changed its state.
    BreakerChanged {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// The endpoint as `host:port`; empty when the breaker is not an endpoint's.
        endpoint: &'a str,
        /// The state it left, such as `closed`.
        from: &'a str,
        /// The state it is in now, such as `open`.
        to: &'a str,
        /// What made it change, such as `failure_rate`.
        reason: &'a str,
        /// Whether it only reports.
        dark: bool,
    },
    /// A call was refused before it was made.
    Refused {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// By which policy: `circuit_breaker`, `bulkhead`, `rate_limit`, `throttle`, `limit`.
        policy: &'a str,
        /// Whether the call was made all the same, since the policy runs dark.
        dark: bool,
    },
    /// A time limit passed.
    TimedOut {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// Which limit: `attempt`, `total`, `deadline`.
        limit: &'a str,
        /// How long it was.
        after: Duration,
    },
    /// The caller gets a substitute for the answer.
    FellBack {
        /// The logical service name, or the policy's key.
        service: &'a str,
        /// What stood in: `value`, `function`, `stale`.
        how: &'a str,
        /// Why: the name of an error's kind, or a status.
        reason: &'a str,
    },
    /// A call joined an identical one in flight and shares its answer.
    Coalesced {
        /// The logical service name, or the policy's key.
        service: &'a str,
    },
    /// A call found an answer that was kept, and was not made.
    CacheHit {
        /// The policy's key.
        service: &'a str,
    },
    /// An endpoint is set aside.
    Ejected {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// By which rule, such as `consecutive_gateway_failures`.
        reason: &'a str,
        /// For how long.
        time: Duration,
        /// Whether it only reports, since the cap or dark mode kept it in.
        dark: bool,
    },
    /// An endpoint that was set aside takes traffic again.
    Returned {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
    },
    /// An endpoint said that it is draining and gets no further calls.
    Draining {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
    },
    /// So few endpoints are healthy that all of them are used, or that is over.
    Panicked {
        /// The logical service name.
        service: &'a str,
        /// `true` when it began.
        on: bool,
    },
    /// A request was turned away to protect the server.
    Shed {
        /// The request's criticality, such as `sheddable`.
        criticality: &'a str,
        /// Why: `limit`, `queue_full`, `queue_time`, `rate_limit`.
        reason: &'a str,
        /// Whether it was let in all the same, since the limit runs dark.
        dark: bool,
    },
    /// An adaptive concurrency limit moved.
    LimitChanged {
        /// The logical service name, or `server`.
        service: &'a str,
        /// The limit now, in concurrent requests.
        limit: u32,
    },
    /// A fault was injected.
    FaultInjected {
        /// The logical service name, or `server`.
        service: &'a str,
        /// What was done: `delay`, `abort`, `reset`, `slow_body`.
        fault: &'a str,
    },
    /// A logical call ended: its body was read, dropped or failed, or there was never a response.
    CallEnded {
        /// The logical service name.
        service: &'a str,
        /// How many attempts it took; 0 when it was refused before the first.
        attempts: u32,
        /// What the caller got.
        outcome: Outcome<'a>,
        /// From the call to the end of its body.
        elapsed: Duration,
    },
    /// A request came with an LTXID above the maximum and was answered 508.
    LoopRefused {
        /// The LTXID that it carried.
        ltxid: u64,
    },
    /// A transaction header was not well formed and was replaced or ignored.
    HeaderRejected {
        /// The header's name.
        header: &'a str,
    },
    /// The snapshot of a service's endpoints changed.
    EndpointsChanged {
        /// The logical service name.
        service: &'a str,
        /// How many endpoints it has now.
        endpoints: usize,
    },
    /// A discovery source failed; the last good snapshot stays.
    DiscoveryFailed {
        /// The logical service name, or `*` when the source serves all of them.
        service: &'a str,
        /// What the source said.
        reason: &'a str,
    },
    /// The configuration was read again.
    ConfigReloaded {
        /// `false` when it was refused and the last good one stays.
        accepted: bool,
    },
}

/// What stood against trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryRefusal {
    /// The policy's count of retries was used up.
    Exhausted,
    /// The destination's budget was empty.
    Budget,
    /// The transaction's own budget, `x-txn-retries`, was empty.
    TransactionBudget,
    /// An answer said `x-txn-retry: never`.
    ToldNever,
    /// The request might have been processed, and is not idempotent.
    NotIdempotent,
    /// The body is a stream, or longer than what is kept for a replay.
    BodyNotRepeatable,
    /// The next attempt would start after the deadline.
    Deadline,
    /// The policy runs dark: it reports only.
    Dark,
}

impl RetryRefusal {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Budget => "budget",
            Self::TransactionBudget => "transaction_budget",
            Self::ToldNever => "told_never",
            Self::NotIdempotent => "not_idempotent",
            Self::BodyNotRepeatable => "body_not_repeatable",
            Self::Deadline => "deadline",
            Self::Dark => "dark",
        }
    }
}

/// What came of an attempt or of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// A response with this status.
    Status(u16),
    /// No response: the name of the error's kind, such as `connect`.
    Failed(&'a str),
    /// The caller went away before the headers arrived.
    Cancelled,
}

/// Somebody who is told of events.
///
/// Called on the hot path: must not block and should not allocate.
pub trait Observer: Send + Sync + 'static {
    /// Tells one event.
    fn on_event(&self, event: &Event<'_>);

    /// The same by somebody who knows when it happened, so that nobody needs to read the clock again. Defaults to
    /// [`on_event`](Self::on_event).
    #[inline]
    fn on_event_at(&self, event: &Event<'_>, now: Instant) {
        let _ = now; // who keeps times implements this one
        self.on_event(event);
    }
}

/// Where everything is noted that befalls one request: its open page in the transaction journal.
///
/// A transaction carries it, so that each of its calls is noted where it belongs, however many run at once; an [`Observer`] is
/// not told which call an event is of. Called on the hot path: must not block and should not allocate.
pub trait Notes: fmt::Debug + Send + Sync + 'static {
    /// Notes what befell the request as a whole, or what is of no single call.
    fn note(&self, event: &Event<'_>, now: Instant);

    /// Notes that the request's k-th call began. `path` has no query.
    fn call_began(&self, call: u32, service: &str, method: &str, path: &str, now: Instant);

    /// Notes what befell its k-th call.
    fn call_note(&self, call: u32, event: &Event<'_>, now: Instant);

    /// An endpoint told the port of its management listener.
    fn learnt_admin(&self, endpoint: &str, port: u16);
}

/// The observers of one service or client; cheap to clone.
#[derive(Clone, Default)]
pub struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    /// No observers.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These observers and one more.
    #[must_use]
    pub fn with(&self, observer: Arc<dyn Observer>) -> Self {
        Self(self.0.iter().cloned().chain([observer]).collect())
    }

    /// Tells every observer, in the order they were added.
    #[inline]
    pub fn tell(&self, event: &Event<'_>) {
        for observer in self.0.iter() {
            observer.on_event(event);
        }
    }

    /// The same at a moment that was read before.
    #[inline]
    pub fn tell_at(&self, event: &Event<'_>, now: Instant) {
        for observer in self.0.iter() {
            observer.on_event_at(event, now);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("len", &self.0.len())
            .finish()
    }
}
