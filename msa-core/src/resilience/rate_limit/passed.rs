//! Time for governor, passed in.
//!
//! governor asks a clock and cannot be told the time. It asks in the middle of a synchronous check, so what the caller passes is
//! laid down for this thread just before, and no clock is read.

use std::cell::Cell;

use governor::clock::Clock;
use governor::nanos::Nanos;

thread_local! {
    static PASSED: Cell<u64> = const { Cell::new(0) };
}

/// Runs a check of governor at this moment, in nanoseconds of the limiter's life.
#[inline]
pub(super) fn at<R>(nanos: u64, check: impl FnOnce() -> R) -> R {
    PASSED.set(nanos);
    check()
}

/// The clock that tells what was passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed;

impl Clock for Passed {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::new(PASSED.get())
    }
}
