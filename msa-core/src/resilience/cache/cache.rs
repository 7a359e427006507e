//! The answers, by key.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::clock::Instant;
use crate::config::CachedSettings;

/// How long answers are good and how many are kept. Given with each call, so that they can change while answers stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// Whoever uses the core by hand writes these two.
pub struct CacheRules {
    /// An answer of this age is not given again.
    pub ttl: Duration,
    /// How many answers are kept; 0 keeps none.
    pub max_entries: usize,
}

impl From<&CachedSettings> for CacheRules {
    /// [`CachedSettings::enabled`] is for whoever asks whether to keep at all.
    fn from(settings: &CachedSettings) -> Self {
        Self {
            ttl: settings.ttl.get(),
            max_entries: settings.max_entries as usize,
        }
    }
}

/// Keeps answers by key for a time. The oldest goes first when there are too many; being asked for does not make one younger.
///
/// Looking takes a lock that all who look share, keeping takes it alone; both only for the moment of the map's own work. With two threads at
/// one key a look takes about 100 ns, as it does with a concurrent map without locks (papaya) or in shards (quick_cache): one key is one
/// cache line in each of them.
pub struct Cache<K, V>(RwLock<Kept<K, V>>);

struct Kept<K, V> {
    answers: HashMap<K, Entry<V>>,
    /// Oldest first; a number that is not the entry's own any more was replaced since.
    order: VecDeque<(u64, K)>,
    next: u64,
}

struct Entry<V> {
    number: u64,
    since: Instant,
    value: V,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer for a key, if it is young enough.
    pub fn get(&self, key: &K, rules: CacheRules, now: Instant) -> Option<V> {
        // A lock that a panic of a value's clone poisoned guards whole entries all the same.
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.answers.get(key)?;
        let age = now.saturating_duration_since(entry.since);
        (age < rules.ttl).then(|| entry.value.clone())
    }

    /// Keeps an answer in place of the one for this key. What is too old by then goes, and the oldest of what is too many.
    pub fn put(&self, key: K, value: V, rules: CacheRules, now: Instant) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let number = kept.next;
        kept.next += 1;
        kept.order.push_back((number, key.clone()));
        let entry = Entry {
            number,
            since: now,
            value,
        };
        kept.answers.insert(key, entry);
        while let Some((number, key)) = kept.order.front() {
            let current = kept.answers.get(key).filter(|e| e.number == *number);
            let goes = current.is_none_or(|entry| {
                let age = now.saturating_duration_since(entry.since);
                age >= rules.ttl || kept.answers.len() > rules.max_entries
            });
            if !goes {
                break;
            }
            if current.is_some() {
                kept.answers.remove(key);
            }
            kept.order.pop_front();
        }
        // What was replaced leaves its place in the order behind; half of it may be such.
        if kept.order.len() > 2 * kept.answers.len() + 16 {
            let answers = &kept.answers;
            kept.order
                .retain(|(number, key)| answers.get(key).is_some_and(|e| e.number == *number));
        }
    }

    /// How many answers are kept, those that are too old too.
    #[must_use]
    pub fn len(&self) -> usize {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.answers.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::new(Kept {
            answers: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
        }))
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn rules(ttl: u64, max_entries: usize) -> CacheRules {
        CacheRules {
            ttl: Duration::from_secs(ttl),
            max_entries,
        }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let (cache, now) = (Cache::new(), clock::now());
        for n in 0..5 {
            cache.put(n, n * 10, rules(60, 3), now + seconds(n));
        }
        let kept = |n| cache.get(&n, rules(60, 3), now + seconds(5));
        assert_eq!(
            [0, 1, 2, 3, 4].map(kept),
            [None, None, Some(20), Some(30), Some(40)]
        );
        cache.put(9, 90, rules(60, 1), now + seconds(6));
        assert_eq!(cache.len(), 1, "fewer are allowed by now");
    }

    #[test]
    fn an_answer_that_is_replaced_is_young_again_and_counts_once() {
        let (cache, now) = (Cache::new(), clock::now());
        for n in 0..100 {
            cache.put("key", n, rules(10, 2), now + seconds(n));
        }
        assert_eq!(cache.len(), 1);
        assert_eq!(
            cache.get(&"key", rules(10, 2), now + seconds(108)),
            Some(99)
        );
        assert_eq!(cache.get(&"key", rules(10, 2), now + seconds(109)), None);
        let places = cache.0.read().unwrap().order.len();
        assert!(places < 20, "{places} places in the order");
    }

    #[test]
    fn what_is_too_old_goes_when_something_is_kept() {
        let (cache, now) = (Cache::new(), clock::now());
        cache.put(1, 1, rules(10, 9), now);
        cache.put(2, 2, rules(10, 9), now + seconds(10));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn shorter_rules_hold_for_what_was_kept_before() {
        let (cache, now) = (Cache::new(), clock::now());
        cache.put(1, 1, rules(10, 9), now);
        assert_eq!(cache.get(&1, rules(2, 9), now + seconds(3)), None);
        assert_eq!(cache.get(&1, rules(10, 9), now + seconds(3)), Some(1));
        assert!(!cache.is_empty());
    }
}
