//! The pool as many threads share it: fed by the fleet's watch and by probes, asked by picks.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};

use super::PrequalRules;
use super::pool::Pool;
use super::rank::Seen;
use super::roster::{Key, Roster, Voice};
use crate::balance::{Answer, LoadReport, Slot, Watch};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// Holds no slot: slots hold their fleet, and that this watch.
#[derive(Debug)]
pub(super) struct Reports {
    rules: PrequalRules,
    roster: ArcSwapOption<Roster>,
    pool: Mutex<Pool<Key>>,
    /// How many probes are due. Read without the lock.
    due: AtomicU32,
    /// How many probes are under way.
    sent: AtomicU32,
}

impl Reports {
    pub(super) fn new(rules: PrequalRules, seed: u64) -> Self {
        Self {
            rules,
            roster: ArcSwapOption::empty(),
            pool: Mutex::new(Pool::new(rules, seed)),
            due: AtomicU32::new(0),
            sent: AtomicU32::new(0),
        }
    }

    pub(super) fn update(&self, slots: &[Arc<Slot>], now: Instant) {
        let last = self.roster.load();
        let roster = Arc::new(Roster::new(slots, last.as_deref(), now));
        // An update is rare and may wait for a pick; a pick never waits.
        let mut pool = match self.pool.lock() {
            Ok(pool) => pool,
            Err(poisoned) => poisoned.into_inner(),
        };
        pool.rename(|key| roster.key(key.id));
        self.roster.store(Some(roster));
    }

    pub(super) fn voice(&self, index: usize, now: Instant) -> Voice {
        let roster = self.roster();
        let after = self.rules.silent_after;
        (roster.as_ref()).map_or(Voice::Unknown, |roster| roster.voice(index, after, now))
    }

    pub(super) fn choose(&self, now: Instant, see: impl FnMut(Key) -> Option<Seen>) -> Option<Key> {
        let replicas = self.roster().as_ref()?.len();
        let mut pool = self.try_pool()?;
        let chosen = pool.choose(replicas, now, see);
        self.set_due(&pool, replicas);
        chosen
    }

    /// Counts a pick that was made without the pool.
    pub(super) fn passed_over(&self, now: Instant) {
        if let (Some(roster), Some(mut pool)) = (self.roster().as_ref(), self.try_pool()) {
            pool.picked(now);
            self.set_due(&pool, roster.len());
        }
    }

    fn set_due(&self, pool: &Pool<Key>, replicas: usize) {
        // Half a pool is enough to choose from: responses fill it where there is any traffic.
        let enough = self.rules.pool_size.min(replicas).div_ceil(2);
        let missing = enough.saturating_sub(pool.len());
        let sent = self.sent.load(Ordering::Relaxed) as usize;
        let due = missing.saturating_sub(sent).min(pool.probes_allowed());
        let due = u32::try_from(due).unwrap_or(u32::MAX);
        self.due.store(due, Ordering::Relaxed);
    }

    pub(super) fn wants_probes(&self) -> bool {
        self.due.load(Ordering::Relaxed) > 0
    }

    /// Whom to probe: the first from `start` on that may be, has reported before, is not in the pool, and was not probed in vain
    /// lately. So a server that knows nothing of reports is never bothered.
    pub(super) fn take_probe(
        &self,
        start: usize,
        now: Instant,
        may: impl Fn(Key) -> bool,
    ) -> Option<Key> {
        let roster = self.roster();
        let roster = roster.as_ref()?;
        let mut pool = self.try_pool()?;
        let farthest = roster.len().min(2 * self.rules.pool_size);
        let key = (start..start + farthest)
            .filter_map(|at| roster.at(at.checked_rem(roster.len())?))
            .find(|key| {
                let voice = roster.voice(key.index as usize, self.rules.silent_after, now);
                voice != Voice::Unknown
                    && !pool.contains(*key)
                    && !roster.is_quiet(*key, now)
                    && may(*key)
            });
        let Some(key) = key else {
            self.due.store(0, Ordering::Relaxed); // nobody: look again after the next pick
            return None;
        };
        pool.probe_sent();
        // Nobody else need ask meanwhile; and if there is no report, not for long.
        roster.keep_quiet(key, self.rules.silent_after, now);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let due = self.due.load(Ordering::Relaxed);
        self.due.store(due.saturating_sub(1), Ordering::Relaxed);
        Some(key)
    }

    pub(super) fn probe_over(&self) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn add(&self, slot: u64, report: LoadReport, probed: bool, now: Instant) {
        let roster = self.roster();
        let Some(roster) = roster.as_ref() else {
            return;
        };
        let Some(key) = roster.key(slot) else {
            return; // it has left, or is not among those that we choose from
        };
        roster.heard(key, now);
        if let Some(mut pool) = self.try_pool() {
            pool.add(key, report, probed, roster.len(), now);
        }
    }

    fn roster(&self) -> Guard<Option<Arc<Roster>>> {
        self.roster.load()
    }

    /// Holds the pool, as another thread would.
    #[cfg(all(test, not(msa_loom)))]
    pub(super) fn hold(&self) -> MutexGuard<'_, Pool<Key>> {
        (self.pool.lock()).unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn try_pool(&self) -> Option<MutexGuard<'_, Pool<Key>>> {
        self.pool.try_lock().ok()
    }
}

impl Watch for Reports {
    fn reported(&self, slot: &Arc<Slot>, report: LoadReport, now: Instant) {
        self.add(slot.id(), report, false, now);
    }

    fn answered(&self, slot: &Arc<Slot>, answer: Answer, _latency: Duration, _now: Instant) {
        if answer != Answer::LocalFailure {
            return;
        }
        // What it last said was said before it stopped answering.
        let key = self
            .roster()
            .as_ref()
            .and_then(|roster| roster.key(slot.id()));
        if let (Some(key), Some(mut pool)) = (key, self.try_pool()) {
            pool.forget(key);
        }
    }
}
