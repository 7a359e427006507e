//! Who works and who waits, by key.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use super::wait::{Waited, Waiting};

const SHARDS: usize = 16;

/// Work under way, by key. Cheap to clone; clones share it.
pub struct SingleFlight<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    hasher: RandomState,
    /// Each held for a look-up at a time; the work runs outside of it.
    shards: [Mutex<Flights<K, V>>; SHARDS],
}

pub(super) type Flights<K, V> = HashMap<K, Flight<V>>;

/// One piece of work.
pub(super) struct Flight<V> {
    pub(super) answer: Answer<V>,
    /// Whether somebody does it now.
    pub(super) led: bool,
    /// Those who wait, oldest first.
    pub(super) waiting: Vec<(u64, Waker)>,
    pub(super) next: u64,
}

pub(super) type Answer<V> = Arc<OnceLock<V>>;

/// What a caller did for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It did the work.
    Led,
    /// It waited for somebody who did.
    Joined,
}

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    /// Nothing is under way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the work, or waits for who does it already.
    ///
    /// `work` is called when this caller must do it, at once or when it takes over. Work that runs the same key again waits for itself.
    pub async fn run<F, Fut>(&self, key: K, work: F) -> (V, Role)
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = V>,
    {
        let joined = self.join(&key);
        if let Some(waiting) = joined {
            match waiting.await {
                Waited::Answer(answer) => return (answer, Role::Joined),
                Waited::MustLead => {}
            }
        }
        let lead = Lead {
            flights: self,
            key,
            landed: false,
        };
        let answer = work().await;
        (lead.land(answer), Role::Led)
    }

    /// Keys with work under way.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = |shard: &Mutex<Flights<K, V>>| {
            shard.lock().unwrap_or_else(PoisonError::into_inner).len()
        };
        self.0.shards.iter().map(count).sum()
    }

    /// Whether no work is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a flight (`None`), or joins the one that there is.
    fn join(&self, key: &K) -> Option<Waiting<'_, K, V>> {
        match self.shard(key).entry(key.clone()) {
            Entry::Vacant(new) => {
                new.insert(Flight {
                    answer: Answer::default(),
                    led: true,
                    waiting: Vec::new(),
                    next: 0,
                });
                None
            }
            Entry::Occupied(mut flight) => {
                let flight = flight.get_mut();
                // A place in the line from now on, so that who works cannot go away unnoticed before the first poll.
                let number = flight.next;
                flight.next += 1;
                flight.waiting.push((number, Waker::noop().clone()));
                let answer = flight.answer.clone();
                Some(Waiting::new(self, key.clone(), answer, number))
            }
        }
    }

    /// A panic in a key's comparison leaves the map whole.
    pub(super) fn shard(&self, key: &K) -> MutexGuard<'_, Flights<K, V>> {
        let [first, ..] = &self.0.shards;
        let at = self.0.hasher.hash_one(key) as usize % SHARDS;
        let shard = self.0.shards.get(at).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller who works. Dropped before it has an answer, it hands over.
struct Lead<'f, K: Eq + Hash + Clone, V: Clone> {
    flights: &'f SingleFlight<K, V>,
    key: K,
    /// Once it has, a flight with this key is somebody else's.
    landed: bool,
}

impl<K: Eq + Hash + Clone, V: Clone> Lead<'_, K, V> {
    /// Gives the answer to all who wait.
    fn land(mut self, answer: V) -> V {
        if self.is_awaited() {
            // Cloned while this still leads: should the clone panic, somebody else takes over.
            let copy = answer.clone();
            if let Some(flight) = self.end(copy) {
                for (_, waker) in flight.waiting {
                    waker.wake();
                }
            }
        }
        answer
    }

    /// Whether anybody waits; if not, the flight has ended.
    fn is_awaited(&mut self) -> bool {
        let mut flights = self.flights.shard(&self.key);
        let awaited = flights
            .get(&self.key)
            .is_some_and(|flight| !flight.waiting.is_empty());
        if !awaited {
            self.landed = true;
            flights.remove(&self.key);
        }
        awaited
    }

    fn end(&mut self, answer: V) -> Option<Flight<V>> {
        let mut flights = self.flights.shard(&self.key);
        self.landed = true;
        let flight = flights.remove(&self.key)?;
        // Under the lock, as those who wait look for the one or the other. Nobody else can have set it: there is one leader.
        let _ = flight.answer.set(answer);
        Some(flight)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        let mut flights = self.flights.shard(&self.key);
        if let Some(flight) = flights.get_mut(&self.key) {
            flight.led = false;
            pass_on(flights, &self.key);
        }
    }
}

/// Nobody works for this key: wakes the first who waits, or forgets it.
pub(super) fn pass_on<K: Eq + Hash, V>(mut flights: MutexGuard<'_, Flights<K, V>>, key: &K) {
    let first = flights.get(key).and_then(|flight| flight.waiting.first());
    match first.map(|(_, waker)| waker.clone()) {
        Some(waker) => {
            drop(flights);
            waker.wake();
        }
        None => {
            flights.remove(key);
        }
    }
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self(Arc::new(Inner {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }))
    }
}

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleFlight")
    }
}
