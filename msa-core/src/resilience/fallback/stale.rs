//! The last good answers.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Stood, Substitute};
use crate::clock::Instant;
use crate::config::Size;

/// Keeps the last good answer for each key, to stand in when a call fails. Cheap to clone; clones share the answers.
///
/// Bounded twice: no answer is older than `max_age` when it is used, and all together are no larger than `max_bytes`, for which the
/// oldest go first. A good answer takes a lock for the moment of storing it, a failure for the moment of looking.
pub struct StaleCache<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    max_age_nanos: AtomicU64,
    max_bytes: AtomicU64,
    size_of: SizeOf<K, V>,
    kept: Mutex<Kept<K, V>>,
}

type SizeOf<K, V> = Box<dyn Fn(&K, &V) -> u64 + Send + Sync>;

struct Kept<K, V> {
    answers: HashMap<K, Entry<V>>,
    /// Oldest first; an entry whose number is not the answer's own any more was replaced since.
    order: VecDeque<(u64, K)>,
    next: u64,
    bytes: u64,
}

struct Entry<V> {
    number: u64,
    value: V,
    since: Instant,
    bytes: u64,
}

/// An answer from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale<V> {
    /// The answer.
    pub value: V,
    /// How long ago it was good.
    pub age: Duration,
}

/// 584 years at most.
fn nanos(age: Duration) -> u64 {
    u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)
}

/// What an answer costs beside its own size: the map's and the order's entries.
const OVERHEAD: u64 = 96;

impl<K: Eq + Hash + Clone, V: Clone> StaleCache<K, V> {
    /// Keeps answers for so long, and so many bytes of them. An answer counts as its value's own size; what it points to is counted
    /// when [`measured`](Self::measured) says how.
    #[must_use]
    pub fn new(max_age: Duration, max_bytes: Size) -> Self {
        Self::measured(max_age, max_bytes, |_, _| 0)
    }

    /// The same, with a function that tells the bytes to which key and value point, such as a body's length.
    #[must_use]
    pub fn measured(
        max_age: Duration,
        max_bytes: Size,
        size_of: impl Fn(&K, &V) -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            max_age_nanos: AtomicU64::new(nanos(max_age)),
            max_bytes: AtomicU64::new(max_bytes.get()),
            size_of: Box::new(size_of),
            kept: Mutex::new(Kept {
                answers: HashMap::new(),
                order: VecDeque::new(),
                next: 0,
                bytes: 0,
            }),
        }))
    }

    /// Keeps an answer in place of the last one for this key. One that is larger than all may be together is not kept, and the last one
    /// goes, as it is not the last any more.
    pub fn put(&self, key: K, value: V, now: Instant) {
        let size = size_of::<K>() + size_of::<V>();
        let bytes = ((self.0.size_of)(&key, &value))
            .saturating_add(size as u64)
            .saturating_add(OVERHEAD);
        let mut kept = self.lock();
        let number = kept.next;
        kept.next += 1;
        let entry = Entry {
            number,
            value,
            since: now,
            bytes,
        };
        kept.bytes = kept.bytes.saturating_add(bytes);
        kept.order.push_back((number, key.clone()));
        let replaced = kept.answers.insert(key, entry);
        kept.bytes -= replaced.map_or(0, |replaced| replaced.bytes);
        kept.evict(self.0.max_bytes.load(Ordering::Relaxed));
    }

    /// Changes what it keeps; what is too much goes with the next good answer.
    pub fn limit(&self, max_age: Duration, max_bytes: Size) {
        // Each bound holds on its own, so that a reader may see the one before the other.
        self.0
            .max_age_nanos
            .store(nanos(max_age), Ordering::Relaxed);
        self.0.max_bytes.store(max_bytes.get(), Ordering::Relaxed);
    }

    /// The last good answer for a key, if it is not too old.
    #[must_use]
    pub fn get(&self, key: &K, now: Instant) -> Option<Stale<V>> {
        let kept = self.lock();
        let entry = kept.answers.get(key)?;
        let age = now.saturating_duration_since(entry.since);
        let max_age = Duration::from_nanos(self.0.max_age_nanos.load(Ordering::Relaxed));
        (age <= max_age).then(|| Stale {
            value: entry.value.clone(),
            age,
        })
    }

    /// The substitute for calls with this key: keeps their good answers and stands in with the last.
    pub fn of(&self, key: K) -> StaleOf<K, V> {
        StaleOf {
            cache: self.clone(),
            key,
        }
    }

    /// Bytes that are kept now.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Places in the order, those of replaced answers too.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.lock().order.len()
    }

    /// A lock that a panic of a value's clone poisoned guards whole entries all the same.
    fn lock(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    fn evict(&mut self, max_bytes: u64) {
        while self.bytes > max_bytes {
            let Some((number, key)) = self.order.pop_front() else {
                return;
            };
            let is_current = self.answers.get(&key).is_some_and(|e| e.number == number);
            if is_current && let Some(gone) = self.answers.remove(&key) {
                self.bytes -= gone.bytes;
            }
        }
        // What was replaced leaves its place in the order behind; half of it may be such.
        if self.order.len() > 2 * self.answers.len() + 16 {
            let answers = &self.answers;
            self.order
                .retain(|(number, key)| answers.get(key).is_some_and(|e| e.number == *number));
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Default for StaleCache<K, V> {
    /// One that keeps nothing until it is told [how much](Self::limit).
    fn default() -> Self {
        Self::new(Duration::ZERO, Size::default())
    }
}

impl<K, V> Clone for StaleCache<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for StaleCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaleCache")
            .field("max_age_nanos", &self.0.max_age_nanos)
            .field("max_bytes", &self.0.max_bytes)
            .finish_non_exhaustive()
    }
}

/// The last good answer for one key; made by [`StaleCache::of`].
#[derive(Debug, Clone)]
pub struct StaleOf<K, V> {
    cache: StaleCache<K, V>,
    key: K,
}

impl<K, V, E> Substitute<V, E> for StaleOf<K, V>
where
    K: Eq + Hash + Clone + Send + Sync,
    V: Clone + Send,
    E: Send,
{
    fn keep(&self, answer: &V, now: Instant) {
        self.cache.put(self.key.clone(), answer.clone(), now);
    }

    fn stand_in(
        &self,
        outcome: Result<V, E>,
        now: Instant,
    ) -> impl Future<Output = Stood<V, E>> + Send {
        let stale = self.cache.get(&self.key, now);
        std::future::ready(match stale {
            Some(stale) => Stood::In(Ok(stale.value), "stale"),
            None => Stood::Not(outcome),
        })
    }
}
