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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    const MANY: usize = 100;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn report(in_flight: u32, latency: u64) -> LoadReport {
        LoadReport::new(in_flight, ms(latency))
    }

    fn pool() -> Pool<u32> {
        Pool::new(PrequalRules::default(), 1)
    }

    /// A pool of replicas 0.. with these requests in flight and latencies.
    fn filled(reports: &[(u32, u64)], now: Instant) -> Pool<u32> {
        let mut pool = pool();
        for (replica, (in_flight, latency)) in (0..).zip(reports) {
            pool.add(replica, report(*in_flight, *latency), false, MANY, now);
        }
        pool
    }

    fn any(_: u32) -> Option<Seen> {
        Some(Seen::PLAIN)
    }

    #[test]
    fn the_fastest_of_the_cold_is_chosen_and_the_least_loaded_when_all_are_hot() {
        let now = clock::now();
        // The limit is the median of 9 and the others' requests in flight: 2, which two do not exceed.
        let mut pool = filled(&[(4, 30), (3, 20), (9, 10), (2, 70), (1, 40)], now);
        assert_eq!(pool.choose(MANY, now, any), Some(4));
        let mut pool = filled(&[(7, 5), (5, 9), (6, 1)], now);
        others_have(1, &mut pool);
        assert_eq!(pool.choose(MANY, now, any), Some(1));
    }

    #[test]
    fn an_overrun_replica_is_not_chosen_whatever_latency_and_however_often_it_reports() {
        let now = clock::now();
        for rest in [1, 2, 19] {
            let mut pool = pool();
            for replica in 1..=rest {
                pool.add(replica, report(3, 40), false, 20, now);
            }
            for in_flight in 0..1000 {
                pool.add(0, report(in_flight, 0), false, 20, now);
            }
            assert_ne!(pool.choose(20, now, any), Some(0), "{rest} others");
        }
    }

    /// Other replicas, not to choose from, that have so many in flight.
    fn others_have(in_flight: u32, pool: &mut Pool<u32>) {
        for replica in 1000..1050 {
            pool.in_flight.push(replica, in_flight);
        }
    }

    #[test]
    fn a_cold_replica_that_is_much_slower_than_a_hot_one_waits() {
        let now = clock::now();
        let pick = |slow| {
            let mut pool = filled(&[(10, 20), (0, slow)], now);
            others_have(9, &mut pool);
            pool.choose(MANY, now, any)
        };
        // 20 ms * (10 / 9)^2 * 3 = 74.07 ms
        assert_eq!([pick(74), pick(75)], [Some(1), Some(0)]);
    }

    #[test]
    fn latencies_that_are_about_the_same_leave_the_choice_to_requests_in_flight() {
        let now = clock::now();
        let choice = |slower| {
            let mut pool = filled(&[(2, 27), (1, slower)], now);
            others_have(9, &mut pool);
            pool.choose(MANY, now, any)
        };
        // Of the steps, 25.2 ms, 33.6 ms and 50.3 ms are the next.
        assert_eq!([choice(33), choice(34)], [Some(1), Some(0)]);
    }

    #[test]
    fn each_request_sent_counts_as_in_flight_until_the_next_report() {
        let now = clock::now();
        let mut pool = filled(&[(0, 10), (0, 20), (2, 40)], now);
        others_have(2, &mut pool);
        let picks: Vec<_> = (0..8)
            .map(|_| pool.choose(MANY, now, any).unwrap())
            .collect();
        // 0 until it is above the limit of 2, then 1 until it is, then 2; then all are hot and the least loaded is next.
        assert_eq!(picks, [0, 0, 0, 1, 1, 1, 2, 0]);
        pool.add(0, report(0, 10), false, MANY, now);
        assert_eq!(pool.choose(MANY, now, any), Some(0));
    }

    #[test]
    fn a_report_is_good_for_a_second() {
        let now = clock::now();
        let mut pool = filled(&[(0, 1), (0, 2), (0, 3)], now);
        pool.add(3, report(0, 9), false, MANY, now + ms(500));
        pool.add(4, report(0, 8), false, MANY, now + ms(500));
        assert_eq!(pool.choose(MANY, now + ms(1000), any), Some(0));
        assert_eq!(pool.choose(MANY, now + ms(1001), any), Some(4));
        assert_eq!(pool.choose(MANY, now + ms(1501), any), None);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn with_fewer_than_two_to_choose_from_the_choice_is_left_to_others() {
        let now = clock::now();
        let mut pool = filled(&[(0, 1)], now);
        assert_eq!(pool.choose(MANY, now, any), None);
        assert_eq!(pool.choose(1, now, any), Some(0)); // unless there is no other
        pool.add(1, report(0, 2), false, MANY, now);
        assert_eq!(
            pool.choose(MANY, now, |one| (one == 1).then_some(Seen::PLAIN)),
            None
        );
        assert_eq!(pool.choose(MANY, now, any), Some(1));
    }

    #[test]
    fn a_replica_stands_in_the_pool_once_and_the_oldest_makes_room() {
        let now = clock::now();
        let mut pool = pool();
        for replica in 0..16 {
            pool.add(replica, report(0, 1), false, MANY, now + ms(replica.into()));
        }
        pool.add(0, report(0, 1), false, MANY, now + ms(20));
        assert_eq!(pool.len(), 16);
        pool.add(16, report(0, 1), false, MANY, now + ms(30));
        assert_eq!(pool.len(), 16);
        assert!(pool.contains(0) && !pool.contains(1) && pool.contains(16));
    }

    #[test]
    fn half_the_share_looks_twice_as_loaded() {
        let now = clock::now();
        let mut pool = filled(&[(0, 10), (0, 15), (0, 40)], now);
        let see = |one| {
            let share = if one == 0 { 0.5 } else { 1.0 };
            Some(Seen {
                share,
                in_flight: 0,
            })
        };
        assert_eq!(pool.choose(MANY, now, see), Some(1));
    }

    #[test]
    fn what_this_client_has_in_flight_counts_when_it_is_more_than_the_report_says() {
        let now = clock::now();
        let mut pool = filled(&[(0, 10), (0, 15), (1, 40)], now);
        let see = |one| {
            let in_flight = if one == 0 { 5 } else { 0 };
            Some(Seen {
                share: 1.0,
                in_flight,
            })
        };
        assert_eq!(pool.choose(MANY, now, see), Some(1));
    }

    #[test]
    fn three_probes_a_pick_make_an_entry_good_for_the_papers_number_of_picks() {
        let now = clock::now();
        let mut pool = pool();
        // n = 100, m = 16, r_probe = 3, r_remove = 1, delta = 1: 2 / (0.84 * 3 - 1) = 1.316.
        for _ in 0..1000 {
            pool.supply.picked();
            for _ in 0..3 {
                pool.supply.probed();
            }
        }
        let mean = (0..10_000).map(|_| f64::from(pool.uses(MANY))).sum::<f64>() / 10_000.0;
        assert!((mean - 1.316).abs() < 0.02, "{mean}");
        assert!((1..=2).contains(&pool.uses(MANY)));
        for replica in 0..16 {
            pool.add(replica, report(0, 1), false, MANY, now);
        }
        // A pick takes its entry now or the next time, and one more entry is removed.
        for left in [15, 13, 11] {
            assert!(pool.choose(MANY, now, any).is_some());
            let fresh = pool.len();
            assert!((left - 1..=left + 3).contains(&fresh), "{fresh}");
        }
    }

    #[test]
    fn removal_takes_the_oldest_and_the_worst_in_turns() {
        let now = clock::now();
        let mut pool = pool();
        for (replica, (in_flight, latency)) in
            (0..).zip([(1, 10), (1, 30), (1, 20), (0, 5), (0, 6)])
        {
            let at = now + ms(u64::from(replica));
            pool.add(replica, report(in_flight, latency), false, MANY, at);
        }
        let mut removed = Vec::new();
        let known = |pool: &Pool<u32>| (0..5).filter(|one| pool.contains(*one)).collect::<Vec<_>>();
        for _ in 0..3 {
            let before = known(&pool);
            pool.supply = Supply::constant(3.0);
            pool.remove_owed(MANY, 1.0);
            let after = known(&pool);
            removed.extend(before.into_iter().filter(|one| !after.contains(one)));
        }
        assert_eq!(removed, [0, 1, 2]); // the oldest, the slowest of the cold, the oldest
        pool.add(9, report(7, 1), false, MANY, now + ms(9));
        pool.remove_owed(MANY, 1.0);
        assert_eq!(known(&pool), [3, 4]); // the hot one
        assert!(!pool.contains(9));
    }

    #[test]
    fn a_pool_that_holds_the_whole_set_keeps_its_entries_until_they_age() {
        let now = clock::now();
        let mut pool = pool();
        pool.supply = Supply::constant(3.0);
        for replica in 0..3 {
            pool.add(replica, report(0, 1), true, 3, now);
        }
        for _ in 0..1000 {
            assert!(pool.choose(3, now, any).is_some());
        }
        assert_eq!(pool.len(), 3);
    }

    #[test]
    fn renaming_follows_a_new_set() {
        let now = clock::now();
        let mut pool = filled(&[(0, 1), (0, 2), (0, 3)], now);
        pool.rename(|one| (one != 1).then_some(one + 10));
        assert!(pool.contains(10) && pool.contains(12) && !pool.contains(11));
        pool.forget(10);
        assert_eq!(pool.len(), 1);
    }
}
