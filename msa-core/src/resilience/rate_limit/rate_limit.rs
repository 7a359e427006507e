//! One rate for all.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, ONE};
use super::store::Single;
use super::{Limited, Quota, RateLimitConfig};
use crate::clock::Instant;

/// Lets so many calls through a time. Cheap to clone; clones share the permits.
#[derive(Debug, Clone)]
pub struct RateLimit(Arc<Engine<Single>>);

impl RateLimit {
    /// A limit whose permits are all there.
    #[must_use]
    pub fn new(config: RateLimitConfig, now: Instant) -> Self {
        let store = Arc::new(Single::default());
        Self(Arc::new(Engine::new(config, store, now)))
    }

    /// The rate, and how long a caller may wait.
    pub fn config(&self) -> &RateLimitConfig {
        self.0.config()
    }

    /// Takes a permit that is there; says what is left.
    ///
    /// # Errors
    ///
    /// None is there.
    #[inline]
    pub fn try_acquire(&self, now: Instant) -> Result<Quota, Limited> {
        self.0.reserve(0, ONE, Duration::ZERO, now)?;
        Ok(self.quota(now))
    }

    /// Takes so many permits, those of the next `max_wait` included. The answer is how long to wait before using them.
    ///
    /// # Errors
    ///
    /// They are not there even then.
    #[inline]
    pub fn reserve(
        &self,
        permits: NonZeroU32,
        max_wait: Duration,
        now: Instant,
    ) -> Result<Duration, Limited> {
        self.0.reserve(0, permits, max_wait, now)
    }

    /// Takes a permit, and waits for its turn no longer than the configuration allows. A caller that goes away while it waits has used
    /// it up, as everybody behind it was told to wait so long.
    ///
    /// # Errors
    ///
    /// The turn would be later.
    pub async fn acquire(&self, now: Instant) -> Result<(), Limited> {
        let wait = self.0.reserve(0, ONE, self.0.config().max_wait, now)?;
        if !wait.is_zero() {
            tokio::time::sleep_until(now + wait).await;
        }
        Ok(())
    }

    /// What is left. Changes nothing.
    #[must_use]
    pub fn quota(&self, now: Instant) -> Quota {
        self.0.quota(0, now)
    }
}
