//! A policy from outside that decides when the breaker opens.

use std::fmt::Debug;
use std::time::Duration;

use crate::clock::Instant;

/// Decides by a rule of its own when a breaker opens, and for how long.
///
/// The breaker tells it every outcome of the closed state, one at a time and in the order in which they come in, under a lock. With
/// the feature `failsafe` every `failsafe::FailurePolicy` is one, by `Failsafe`.
pub trait FailurePolicy: Debug + Send + 'static {
    /// A call succeeded.
    fn success(&mut self, now: Instant);

    /// A call failed. `Some` opens the breaker for that time; in half-open, `None` opens it for as long as the last time.
    fn failure(&mut self, now: Instant) -> Option<Duration>;

    /// The breaker has closed again: what was is forgotten.
    fn revived(&mut self, now: Instant);
}

/// The open times of a breaker, one after the other: from the rules, or from an iterator that begins anew when the breaker closes.
pub(super) struct OpenTimes {
    fresh: Box<dyn Fn() -> Box<dyn Iterator<Item = Duration> + Send> + Send>,
    left: Box<dyn Iterator<Item = Duration> + Send>,
    last: Duration,
}

impl OpenTimes {
    pub(super) fn new<I>(times: I) -> Self
    where
        I: IntoIterator<Item = Duration>,
        I::IntoIter: Clone + Send + 'static,
    {
        let times = times.into_iter();
        let fresh =
            Box::new(move || Box::new(times.clone()) as Box<dyn Iterator<Item = Duration> + Send>);
        Self {
            left: fresh(),
            fresh,
            last: Duration::from_secs(5),
        }
    }

    /// The next time; when there are no more, the last one again.
    pub(super) fn next(&mut self) -> Duration {
        if let Some(next) = self.left.next() {
            self.last = next;
        }
        self.last
    }

    pub(super) fn begin_anew(&mut self) {
        self.left = (self.fresh)();
    }
}

impl Debug for OpenTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenTimes")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
