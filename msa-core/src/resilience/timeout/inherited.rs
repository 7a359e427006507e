//! The deadline that runs around the code that runs now.

use std::cell::Cell;

use crate::clock::Instant;
use crate::txn;

thread_local! {
    /// Set while guarded work is polled: a poll never leaves its thread, so this is a task-local that allocates nothing and costs
    /// two stores.
    static AROUND: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The sooner of the transaction's deadline and that of the guarded work around this code.
#[inline]
pub(super) fn deadline() -> Option<Instant> {
    let around = AROUND.get();
    let inbound = txn::with_current(|txn| txn.deadline()).flatten();
    sooner(around, inbound)
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Until it is dropped, what runs here inherits `at`, or what it inherited already when that is sooner.
#[inline]
pub(super) fn enter(at: Instant) -> Around {
    let before = AROUND.get();
    AROUND.set(sooner(before, Some(at)));
    Around(before)
}

pub(super) struct Around(Option<Instant>);

impl Drop for Around {
    #[inline]
    fn drop(&mut self) {
        AROUND.set(self.0);
    }
}
