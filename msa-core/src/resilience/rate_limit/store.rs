//! Where a limiter keeps its one number: for all, or for each key in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use std::sync::atomic::{AtomicU64, Ordering};

/// A store that can be looked into.
pub(super) trait Store: StateStore<Key = u64> {
    /// The number of this key; `None` when there was none yet.
    fn read(&self, key: u64) -> Option<u64>;
}

/// One number, whatever the key.
#[derive(Debug, Default)]
pub(super) struct Single(AtomicU64);

impl StateStore for Single {
    type Key = u64;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, _key: &u64, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (answer, next) = change((seen != 0).then(|| Nanos::new(seen)))?;
            match self.0.compare_exchange_weak(
                seen,
                next.into(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(answer),
                Err(now) => seen = now,
            }
        }
    }
}

impl Store for Single {
    fn read(&self, _key: u64) -> Option<u64> {
        let seen = self.0.load(Ordering::Relaxed);
        (seen != 0).then_some(seen)
    }
}

const SHARDS: usize = 16;

/// A number for each key, for so many keys.
///
/// When a shard is full, the keys whose number says no more than none would are dropped. When none is, new keys share one
/// number: an attacker with many addresses limits himself, and cannot make the table forget the others.
#[derive(Debug)]
pub(super) struct Table {
    shards: [Mutex<Shard>; SHARDS],
    keys_per_shard: usize,
    is_spent: IsSpent,
}

/// Whether a number still says something at this moment.
pub(super) type IsSpent = fn(&Lapse, number: u64) -> bool;

/// What `IsSpent` is told: the moment, and the window's amount and period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lapse {
    pub(super) now: u64,
    pub(super) amount: u64,
    pub(super) period: u64,
}

#[derive(Debug, Default)]
struct Shard {
    numbers: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    shared: u64,
    /// When it is worth to look for dropped keys again.
    swept: u64,
}

impl Table {
    pub(super) fn new(keys: usize, is_spent: IsSpent) -> Self {
        Self {
            shards: Default::default(),
            keys_per_shard: keys.div_ceil(SHARDS).max(1),
            is_spent,
        }
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        let at = (key >> 60) as usize % SHARDS;
        // Always there: as many as the four bits can name.
        let shard = self.shards.get(at).or_else(|| self.shards.first());
        let [first, ..] = &self.shards;
        let shard = shard.unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a new key, unless it is known or there is room. At most ten times a second a full shard is searched.
    pub(super) fn make_room(&self, key: u64, lapse: &Lapse) {
        let mut shard = self.shard(key);
        if shard.numbers.len() < self.keys_per_shard
            || lapse.now < shard.swept
            || shard.numbers.contains_key(&key)
        {
            return;
        }
        shard.swept = lapse.now.saturating_add(SWEEP_NANOS);
        shard
            .numbers
            .retain(|_, number| !(self.is_spent)(lapse, *number));
    }

    pub(super) fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.numbers.len()
        };
        self.shards.iter().map(count).sum()
    }
}

const SWEEP_NANOS: u64 = 100_000_000;

impl StateStore for Table {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.shard(*key);
        let Shard {
            numbers, shared, ..
        } = &mut *shard;
        let room = numbers.len() < self.keys_per_shard;
        match numbers.entry(*key) {
            Entry::Occupied(mut known) => {
                let (answer, next) = change(Some(Nanos::new(*known.get())))?;
                known.insert(next.into());
                Ok(answer)
            }
            Entry::Vacant(new) if room => {
                let (answer, next) = change(None)?;
                new.insert(next.into());
                Ok(answer)
            }
            Entry::Vacant(_) => {
                let (answer, next) = change((*shared != 0).then(|| Nanos::new(*shared)))?;
                *shared = next.into();
                Ok(answer)
            }
        }
    }
}

impl Store for Table {
    fn read(&self, key: u64) -> Option<u64> {
        let shard = self.shard(key);
        let full = shard.numbers.len() >= self.keys_per_shard;
        let shared = (full && shard.shared != 0).then_some(shard.shared);
        shard.numbers.get(&key).copied().or(shared)
    }
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A store that governor and we look at.
#[derive(Debug)]
pub(super) struct Shared<S>(pub(super) Arc<S>);

impl<S: StateStore> StateStore for Shared<S> {
    type Key = S::Key;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, key: &S::Key, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, change)
    }
}
