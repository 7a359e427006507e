//! The time since the play began.

use std::time::{Duration, Instant};

/// Runs from its start. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

// The clock is real here: whole processes are played with, and the demo is built without msa-core, whose clock this would be.
#[allow(clippy::disallowed_methods)]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
