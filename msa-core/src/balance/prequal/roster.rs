//! Which replicas there are, and when each last told something, without holding their slots.

use std::sync::Arc;
use std::time::Duration;

use crate::balance::Slot;
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A replica: its slot's id, and where it stands among the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) id: u64,
    pub(super) index: u32,
}

/// Whether a replica reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// It never did, as far as is known.
    Unknown,
    /// Not for a while.
    Silent,
    /// It does.
    Heard,
}

/// The members of one snapshot. Times are nanoseconds since `begun`, plus one; 0 is never.
#[derive(Debug)]
pub(super) struct Roster {
    begun: Instant,
    by_id: Box<[Key]>,
    replicas: Box<[Replica]>,
}

#[derive(Debug)]
struct Replica {
    id: u64,
    heard: AtomicU64,
    /// Until when it is not to be probed.
    quiet: AtomicU64,
}

impl Roster {
    /// The next snapshot; what is known of those that stay is kept.
    pub(super) fn new(slots: &[Arc<Slot>], last: Option<&Self>, now: Instant) -> Self {
        let replicas = slots.iter().map(|slot| {
            let old = last.and_then(|last| last.replica(last.key(slot.id())?));
            let keep = |field: fn(&Replica) -> &AtomicU64| {
                AtomicU64::new(old.map_or(0, |old| field(old).load(Ordering::Relaxed)))
            };
            Replica {
                id: slot.id(),
                heard: keep(|old| &old.heard),
                quiet: keep(|old| &old.quiet),
            }
        });
        let replicas: Box<[Replica]> = replicas.collect();
        let mut by_id: Box<[Key]> = (replicas.iter().zip(0..))
            .map(|(replica, index)| Key {
                id: replica.id,
                index,
            })
            .collect();
        by_id.sort_unstable();
        Self {
            begun: last.map_or(now, |last| last.begun),
            by_id,
            replicas,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.replicas.len()
    }

    pub(super) fn key(&self, id: u64) -> Option<Key> {
        let at = self.by_id.binary_search_by_key(&id, |key| key.id).ok()?;
        self.by_id.get(at).copied()
    }

    pub(super) fn at(&self, index: usize) -> Option<Key> {
        let id = self.replicas.get(index)?.id;
        Some(Key {
            id,
            index: u32::try_from(index).ok()?,
        })
    }

    pub(super) fn heard(&self, key: Key, now: Instant) {
        if let Some(replica) = self.replica(key) {
            replica.heard.store(self.tick(now), Ordering::Relaxed);
            replica.quiet.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn voice(&self, index: usize, after: Duration, now: Instant) -> Voice {
        let heard = (self.replicas.get(index)).map_or(0, |one| one.heard.load(Ordering::Relaxed));
        match self.tick(now).saturating_sub(heard) {
            _ if heard == 0 => Voice::Unknown,
            passed if passed > nanos(after) => Voice::Silent,
            _ => Voice::Heard,
        }
    }

    pub(super) fn keep_quiet(&self, key: Key, time: Duration, now: Instant) {
        if let Some(replica) = self.replica(key) {
            let until = self.tick(now).saturating_add(nanos(time));
            replica.quiet.store(until, Ordering::Relaxed);
        }
    }

    pub(super) fn is_quiet(&self, key: Key, now: Instant) -> bool {
        (self.replica(key)).is_some_and(|one| self.tick(now) < one.quiet.load(Ordering::Relaxed))
    }

    fn replica(&self, key: Key) -> Option<&Replica> {
        self.replicas.get(key.index as usize)
    }

    fn tick(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.begun)).saturating_add(1)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
