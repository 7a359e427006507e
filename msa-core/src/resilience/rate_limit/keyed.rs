//! One rate for each key.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, ONE};
use super::store::{IsSpent, Table};
use super::{Limited, Quota, RateLimitConfig, RateLimitKind};
use crate::clock::Instant;

/// A rate for each key, in bounded memory.
///
/// Keys are kept as 64-bit hashes with a secret seed, so a key's length costs nothing and nobody can choose keys that collide. When the
/// table is full of keys that are in use, further ones share one rate until others have rested.
#[derive(Debug, Clone)]
pub struct KeyedRateLimit {
    engine: Arc<Engine<Table>>,
    hasher: RandomState,
}

impl KeyedRateLimit {
    /// For at most about `max_keys` keys at a time; each costs some 20 bytes.
    #[must_use]
    pub fn new(config: RateLimitConfig, max_keys: usize, now: Instant) -> Self {
        let is_spent: IsSpent = match config.kind {
            RateLimitKind::Gcra => |lapse, full_at| full_at <= lapse.now,
            RateLimitKind::Window => {
                |lapse, taken| taken <= (lapse.now / lapse.period).saturating_mul(lapse.amount)
            }
        };
        let store = Arc::new(Table::new(max_keys, is_spent));
        Self {
            engine: Arc::new(Engine::new(config, store, now)),
            hasher: RandomState::new(),
        }
    }

    /// Takes a permit of a key; says what is left for it.
    ///
    /// # Errors
    ///
    /// None is there.
    pub fn try_acquire<K: Hash + ?Sized>(&self, key: &K, now: Instant) -> Result<Quota, Limited> {
        let key = self.hasher.hash_one(key);
        self.engine.store().make_room(key, &self.engine.lapse(now));
        self.engine.reserve(key, ONE, Duration::ZERO, now)?;
        Ok(self.engine.quota(key, now))
    }

    /// What is left for a key. Changes nothing.
    #[must_use]
    pub fn quota<K: Hash + ?Sized>(&self, key: &K, now: Instant) -> Quota {
        self.engine.quota(self.hasher.hash_one(key), now)
    }

    /// Keys that are remembered now.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.engine.store().len()
    }
}
