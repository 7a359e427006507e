//! Both ways between this breaker and the crate [`failsafe`].
//!
//! - Any [`failsafe::FailurePolicy`] drives a breaker of ours: [`Failsafe`], by [`Breaker::driven_by`](super::Breaker::driven_by). The
//!   breaker brings what failsafe's state machine lacks: limited trial calls, epochs, cancellation, a state that reading does not
//!   change.
//! - Our windows decide for a state machine of failsafe: [`WindowPolicy`].
//! - The backoffs of failsafe are open times: [`Breaker::with_open_times`](super::Breaker::with_open_times).
//! - A [`failsafe::Instrument`] listens to us: [`Listening`].
//!
//! ```
//! use std::time::Duration;
//! use failsafe::{CircuitBreaker as _, backoff, failure_policy};
//! use msa_core::clock;
//! use msa_core::resilience::breaker::failsafe::{Failsafe, WindowPolicy};
//! use msa_core::resilience::breaker::{Breaker, BreakerConfig, State};
//!
//! // Theirs drives ours.
//! let times = backoff::exponential(Duration::from_secs(1), Duration::from_secs(30));
//! let ours = Breaker::default().driven_by(Failsafe(failure_policy::consecutive_failures(2, times)));
//! let now = clock::now();
//! for _ in 0..2 {
//!     ours.try_acquire(now)?.failure(now);
//! }
//! assert_eq!(ours.state(now), State::Open);
//!
//! // Ours drives theirs.
//! let theirs = failsafe::Config::new().failure_policy(WindowPolicy::new(BreakerConfig::default(), 7)).build();
//! let _ = theirs.call(|| Err::<(), _>("down"));
//! assert!(theirs.is_call_permitted());
//! # Ok::<(), msa_core::resilience::breaker::OpenError>(())
//! ```

use std::fmt;
use std::time::Duration;

use super::core::Core;
use super::{BreakerConfig, FailurePolicy, State};
use crate::clock::{self, Instant};
use crate::event::{Event, Observer};
use crate::resilience::window::SlidingWindow;

/// A [`failsafe::FailurePolicy`] that drives a breaker of ours.
///
/// It reads the standard clock by itself; the time that the breaker is told does not reach it.
pub struct Failsafe<P>(pub P);

impl<P: failsafe::FailurePolicy + Send + 'static> FailurePolicy for Failsafe<P> {
    fn success(&mut self, _: Instant) {
        self.0.record_success();
    }

    fn failure(&mut self, _: Instant) -> Option<Duration> {
        self.0.mark_dead_on_failure()
    }

    fn revived(&mut self, _: Instant) {
        self.0.revived();
    }
}

impl<P> fmt::Debug for Failsafe<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failsafe").finish()
    }
}

/// Our windows, rates and open times as a [`failsafe::FailurePolicy`].
///
/// Of the rules count the window, the failure rate, the number of failures, the failures in a row and the open times; slow calls and
/// trial calls are unknown to failsafe.
#[derive(Debug)]
pub struct WindowPolicy {
    config: BreakerConfig,
    window: SlidingWindow,
    in_a_row: u32,
    core: Core,
}

impl WindowPolicy {
    /// A policy by these rules; the seed decides on the jitter of the open times.
    #[must_use]
    pub fn new(config: BreakerConfig, seed: u64) -> Self {
        let config = super::rules::sound(config);
        Self {
            window: SlidingWindow::new(config.window),
            in_a_row: 0,
            core: Core::new(seed, &config),
            config,
        }
    }

    /// [`record_success`](failsafe::FailurePolicy::record_success) at a given time.
    pub fn success_at(&mut self, now: Instant) {
        self.in_a_row = 0;
        self.window.record(true, Duration::ZERO, now);
    }

    /// [`mark_dead_on_failure`](failsafe::FailurePolicy::mark_dead_on_failure) at a given time.
    pub fn failure_at(&mut self, now: Instant) -> Option<Duration> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.window.record(false, Duration::ZERO, now);
        let row = self.config.consecutive_failures;
        let dead = row.is_some_and(|most| self.in_a_row >= most.max(1))
            || self.config.judges(&self.window.counts(now)).is_some();
        dead.then(|| self.core.take_open_time(&self.config))
    }
}

impl failsafe::FailurePolicy for WindowPolicy {
    fn record_success(&mut self) {
        self.success_at(clock::now());
    }

    fn mark_dead_on_failure(&mut self) -> Option<Duration> {
        self.failure_at(clock::now())
    }

    fn revived(&mut self) {
        self.in_a_row = 0;
        self.window.reset();
        self.core.begin_anew(&self.config);
    }
}

/// A [`failsafe::Instrument`] that listens to breakers of ours, as an observer of events.
pub struct Listening<I>(pub I);

impl<I: failsafe::Instrument + Send + Sync + 'static> Observer for Listening<I> {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::BreakerChanged { to, .. } => {
                if *to == State::Open.as_str() || *to == State::ForcedOpen.as_str() {
                    self.0.on_open();
                } else if *to == State::HalfOpen.as_str() {
                    self.0.on_half_open();
                } else {
                    self.0.on_closed();
                }
            }
            Event::Refused {
                policy: "circuit_breaker",
                ..
            } => self.0.on_call_rejected(),
            _ => {}
        }
    }
}

impl<I> fmt::Debug for Listening<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listening").finish()
    }
}
