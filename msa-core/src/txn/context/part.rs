//! A transaction for a part of its work: one thing is different, and the counters of calls and retries are the same.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};
use std::sync::{Arc, OnceLock};

use super::{Inner, Txn, UNDECIDED};
use crate::clock::Instant;
use crate::txn::{Baggage, Criticality};

impl Txn {
    /// The same transaction for work that outlives the request: without its deadline, with the same counters.
    ///
    /// A streaming body is such work: who waits for it got the response's headers in time.
    #[must_use]
    pub fn without_deadline(&self) -> Self {
        match self.0.deadline {
            None => self.clone(),
            Some(_) => self.with(|inner| inner.deadline = None),
        }
    }

    /// The same transaction for a part of its work that has until `at` and no longer, with the same counters. A deadline that is
    /// sooner stays.
    #[must_use]
    pub fn with_deadline(&self, at: Instant) -> Self {
        match self.0.deadline {
            Some(deadline) if deadline <= at => self.clone(),
            _ => self.with(|inner| inner.deadline = Some(at)),
        }
    }

    /// The same transaction for a part of its work that matters more or less, with the same counters: the calls that are made
    /// there say so.
    #[must_use]
    pub fn with_criticality(&self, criticality: Criticality) -> Self {
        if self.0.criticality == criticality {
            return self.clone();
        }
        self.with(|inner| inner.criticality = criticality)
    }

    /// The same transaction for a part of its work that tells other services this baggage in place of what came, with the same counters.
    ///
    /// It goes to the services that `telemetry.baggage` names, and to no other.
    #[must_use]
    pub fn with_baggage(&self, baggage: Baggage) -> Self {
        self.with(|inner| inner.baggage = Some(baggage).filter(|baggage| !baggage.is_empty()))
    }

    /// The same transaction with the same counters, and one thing changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner {
            gtxid: self.0.gtxid,
            value: self.0.value.clone(),
            ltxid: self.0.ltxid,
            branch: self.0.branch,
            attempt: self.0.attempt,
            received: self.0.received,
            deadline: self.0.deadline,
            hurried: self.0.hurried,
            criticality: self.0.criticality,
            route: self.0.route.clone(),
            handler: OnceLock::new(),
            retries: AtomicU32::new(0),
            exhausted: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            counted_by: Some(self.counters().clone()),
            notes: self.0.notes.clone(),
            span: self.0.span,
            parent: self.0.parent,
            sampled: AtomicU8::new(UNDECIDED),
            state: self.0.state.clone(),
            baggage: self.0.baggage.clone(),
        };
        change(&mut inner);
        inner.hurried &= inner.deadline == self.0.deadline;
        Self(Arc::new(inner))
    }
}
