//! The pool of what replicas last said of their load, and the choice from it.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::PrequalRules;
use super::quantile::Recent;
use super::rank::{Rank, Seen, coarse};
use super::supply::Supply;
use crate::balance::LoadReport;
use crate::clock::Instant;

/// Recent reports, at most one of each replica. `K` names a replica.
#[derive(Debug)]
pub(super) struct Pool<K> {
    rules: PrequalRules,
    entries: Vec<Entry<K>>,
    /// No entry is older; `None` only when there is none.
    oldest: Option<Instant>,
    in_flight: Recent<K>,
    supply: Supply,
    /// How many removals are owed, in fractions.
    owed: f64,
    worst_is_next: bool,
    /// How many probes may be sent, in fractions.
    allowed: f64,
    rng: SmallRng,
}

#[derive(Debug)]
struct Entry<K> {
    replica: K,
    /// What the replica said, and one more for each request that was sent there since.
    in_flight: u32,
    /// In nanoseconds.
    latency: u64,
    received: Instant,
    /// How many more picks it is good for.
    uses: u32,
}

impl<K: Copy + Eq> Pool<K> {
    pub(super) fn new(rules: PrequalRules, seed: u64) -> Self {
        Self {
            entries: Vec::with_capacity(rules.pool_size),
            oldest: None,
            in_flight: Recent::new(),
            supply: Supply::default(),
            owed: 0.0,
            worst_is_next: false,
            allowed: 0.0,
            rng: SmallRng::seed_from_u64(seed),
            rules,
        }
    }

    /// Takes in a report; `probed` when it answers a probe rather than coming along with a response. `replicas` is the size of the
    /// set.
    pub(super) fn add(
        &mut self,
        replica: K,
        report: LoadReport,
        probed: bool,
        replicas: usize,
        now: Instant,
    ) {
        if probed {
            self.supply.probed();
        }
        self.in_flight.push(replica, report.in_flight);
        self.oldest = Some(self.oldest.map_or(now, |oldest| oldest.min(now)));
        let entry = Entry {
            replica,
            in_flight: report.in_flight,
            latency: u64::try_from(report.latency.as_nanos()).unwrap_or(u64::MAX),
            received: now,
            uses: self.uses(replicas),
        };
        match self.entries.iter_mut().find(|old| old.replica == replica) {
            Some(old) => *old = entry,
            None => {
                if self.entries.len() >= self.rules.pool_size {
                    self.remove_oldest();
                }
                self.entries.push(entry);
            }
        }
    }

    /// Forgets what a replica said.
    pub(super) fn forget(&mut self, replica: K) {
        self.entries.retain(|entry| entry.replica != replica);
        self.in_flight.forget(replica);
    }

    /// Renames every replica, and forgets those that have no new name.
    pub(super) fn rename(&mut self, mut rename: impl FnMut(K) -> Option<K>) {
        self.in_flight.rename(&mut rename);
        self.entries
            .retain_mut(|entry| match rename(entry.replica) {
                Some(name) => {
                    entry.replica = name;
                    true
                }
                None => false,
            });
    }

    /// Chooses the least loaded replica among those that are seen; one that this call may not take is not. `None` when too few
    /// are known to choose from.
    pub(super) fn choose(
        &mut self,
        replicas: usize,
        now: Instant,
        mut see: impl FnMut(K) -> Option<Seen>,
    ) -> Option<K> {
        self.picked(now);
        let limit = f64::from(self.in_flight.quantile(self.rules.hot_quantile));
        let mut candidates = 0;
        let (mut cold, mut hot) = (None::<(Rank, usize)>, None::<(Rank, usize)>);
        let enough = self.rules.min_pool.min(replicas);
        for (at, entry) in self.entries.iter().enumerate() {
            // How the client sees a replica makes it look slower, never faster: with this latency it cannot win any more, and need
            // not be looked at.
            if candidates >= enough
                && cold.is_some_and(|(best, _)| coarse(entry.latency as f64) > best.first)
            {
                continue;
            }
            let Some(seen) = see(entry.replica) else {
                continue;
            };
            candidates += 1;
            let rank = entry.rank(limit, seen);
            let best = if rank.hot { &mut hot } else { &mut cold };
            if best.is_none_or(|(least, _)| rank < least) {
                *best = Some((rank, at));
            }
        }
        if candidates < enough {
            return None;
        }
        let (_, at) = match (cold, hot) {
            (Some((slow, _)), Some(hot)) if hot.0.is_faster(slow, limit) => hot,
            (Some(cold), _) => cold,
            (None, hot) => hot?,
        };
        let entry = self.entries.get_mut(at)?;
        let chosen = entry.replica;
        // The report does not know of this request yet.
        entry.in_flight = entry.in_flight.saturating_add(1);
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses == 0 {
            self.entries.swap_remove(at);
        }
        self.remove_owed(replicas, limit);
        Some(chosen)
    }

    /// Counts a pick.
    pub(super) fn picked(&mut self, now: Instant) {
        self.expire(now);
        self.supply.picked();
        self.allowed = (self.allowed + self.rules.probe_rate).min(self.rules.pool_size as f64);
    }

    /// How many reports there are; after a choice, all are fresh.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn probes_allowed(&self) -> usize {
        self.allowed as usize
    }

    pub(super) fn probe_sent(&mut self) {
        self.allowed -= 1.0;
    }

    pub(super) fn contains(&self, replica: K) -> bool {
        self.entries.iter().any(|entry| entry.replica == replica)
    }

    /// How many picks a new entry is good for: the paper's b_reuse, rounded up or down at random so that the mean is exact.
    fn uses(&mut self, replicas: usize) -> u32 {
        let reuse = self.rules.reuse(replicas, self.supply.per_pick());
        if !reuse.is_finite() || reuse >= f64::from(u32::MAX) {
            return u32::MAX;
        }
        let up = self.rng.random::<f64>() < reuse.fract();
        reuse as u32 + u32::from(up)
    }

    fn expire(&mut self, now: Instant) {
        let max_age = self.rules.max_age;
        let old = |received: Instant| now.saturating_duration_since(received) > max_age;
        if !self.oldest.is_some_and(old) {
            return;
        }
        self.entries.retain(|entry| !old(entry.received));
        self.oldest = self.entries.iter().map(|entry| entry.received).min();
    }

    /// The paper's r_remove: the oldest and the worst in turns, so that what nobody picks does not fill the pool.
    fn remove_owed(&mut self, replicas: usize, limit: f64) {
        self.owed += self.rules.removals(replicas, self.supply.per_pick());
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            if self.worst_is_next {
                self.remove_worst(limit);
            } else {
                self.remove_oldest();
            }
            self.worst_is_next = !self.worst_is_next;
        }
    }

    fn remove_oldest(&mut self) {
        let oldest = (self.entries.iter().enumerate()).min_by_key(|(_, entry)| entry.received);
        if let Some((at, _)) = oldest {
            self.entries.swap_remove(at);
        }
    }

    fn remove_worst(&mut self, limit: f64) {
        let worst = (self.entries.iter().enumerate())
            .map(|(at, entry)| (entry.rank(limit, Seen::PLAIN), at))
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        if let Some((_, at)) = worst {
            self.entries.swap_remove(at);
        }
    }
}

impl<K> Entry<K> {
    fn rank(&self, limit: f64, seen: Seen) -> Rank {
        Rank::new(self.in_flight, self.latency, limit, seen)
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests;
