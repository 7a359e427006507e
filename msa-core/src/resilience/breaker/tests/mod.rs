//! The breaker's rules, one by one.

// A test fails by panicking. clippy.toml says so too, but finds no `cfg(test)` in `cfg(all(test, …))`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod closed;
mod faces;
mod faults;
mod half_open;
mod model;
mod transitions;

use std::sync::Arc;
use std::time::Duration;

use super::{Breaker, BreakerConfig, OpenTime, OwnedPermit};
use crate::clock::{self, Instant};

/// A breaker and the time.
struct Bench {
    breaker: Arc<Breaker>,
    now: Instant,
}

impl Bench {
    /// The default rules with these changes, and without jitter.
    fn new(change: impl FnOnce(&mut BreakerConfig)) -> Self {
        let mut config = BreakerConfig::default();
        config.open.jitter = crate::config::Percent::ZERO;
        change(&mut config);
        let now = clock::now();
        Self {
            breaker: Arc::new(Breaker::seeded(config, 7).beginning(now)),
            now,
        }
    }

    /// One that the second failure in a row opens for 5 s.
    fn brittle() -> Self {
        Self::new(|config| {
            config.consecutive_failures = Some(2);
            config.open = OpenTime::fixed(Duration::from_secs(5));
        })
    }

    /// One that is open, since now.
    fn open() -> Self {
        let bench = Self::brittle();
        bench.fail(2);
        bench
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    fn permit(&self) -> OwnedPermit {
        self.breaker.try_acquire_owned(self.now).unwrap()
    }

    fn refused(&self) -> Duration {
        self.breaker.try_acquire(self.now).unwrap_err().retry_after
    }

    fn fail(&self, times: u32) {
        for _ in 0..times {
            self.permit().failure(self.now);
        }
    }

    fn succeed(&self, times: u32) {
        for _ in 0..times {
            self.permit().success(self.now);
        }
    }

    fn state(&self) -> &'static str {
        self.breaker.state(self.now).as_str()
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
