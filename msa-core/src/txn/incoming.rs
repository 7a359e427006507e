//! What a request's headers brought.

use std::time::Duration;

use super::{Baggage, Branch, Criticality, Gtxid, Ltxid, SpanContext, TraceState};

/// What was read from a request's headers; nothing of it is filled in.
///
/// [`Headers::extract`](super::Headers::extract) makes one, [`Txn::from_incoming`](super::Txn::from_incoming) goes on
/// with it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Incoming {
    /// The transaction, or the trace id of a `traceparent` when there was none.
    pub gtxid: Option<Gtxid>,
    /// The hop. Of several, the highest, so that a loop cannot hide behind a repeated header.
    pub ltxid: Option<Ltxid>,
    /// The call that led here.
    pub branch: Option<Branch>,
    /// Which try of that call this is, from 1.
    pub attempt: Option<u32>,
    /// The time that the caller still waits: the shortest of all that were sent.
    pub timeout: Option<Duration>,
    /// Retries that may still be spent.
    pub retries: Option<u32>,
    /// How much the request matters.
    pub criticality: Option<Criticality>,
    /// The caller's span.
    pub trace: Option<SpanContext>,
    /// Whether the caller wants the trace sampled; `None` when it left that to us.
    pub sampled: Option<bool>,
    /// What tracing systems tell each other. Read by [`Propagation`](crate::telemetry::propagation::Propagation), as is what follows.
    pub state: Option<TraceState>,
    /// What the application tells all services.
    pub baggage: Option<Baggage>,
    /// The headers that were not well formed.
    pub rejected: Rejected,
}

/// The set of headers of a request that were not well formed, and so were replaced or ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rejected(u16);

impl Rejected {
    /// Whether all were well formed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn insert(&mut self, field: usize) {
        self.0 |= 1 << field;
    }

    pub(super) fn contains(self, field: usize) -> bool {
        self.0 & (1 << field) != 0
    }
}
