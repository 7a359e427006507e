//! Prequal: the fastest of the replicas that are not overloaded, by what they say themselves.
//!
//! Wydrowski, Kleinberg, Rumble and Archer, "Load is not what you should balance: Introducing Prequal" (NSDI'24,
//! <https://www.usenix.org/conference/nsdi24/presentation/wydrowski>). A pool keeps what replicas last told of their requests
//! in flight and their latency. A replica with more in flight than a quarter of the others last told is *hot*. The choice is the coldest in
//! lexicographic order: of the cold ones the fastest, and only if all are hot the one with the fewest in flight. Each choice counts
//! as one more in flight there, reports age out, and are used up or removed as [`PrequalRules`] says.
//!
//! # What is different from the paper
//! The paper's clients send three probes with every request. Here a report comes along with each response (`x-msa-load`) and
//! renews its replica's entry, which the paper's numbers do not count. Only what responses leave open is probed:
//! [`Algorithm::probe_due`] tells whom while the pool is less than half full, at most [`PrequalRules::probe_rate`] per pick, and none that never
//! reported; r_probe in the formulas is the rate at which such probes are answered. While the pool can hold the whole set, reports are not used
//! up or removed, since there is nothing else to learn.
//!
//! Responses tell most of those that have most of the traffic, so each replica has one vote on what is hot, and is compared with the
//! others: an overrun replica would otherwise set the measure by its many reports. For the same reason a server tells what requests
//! have been waiting for, and not only how long the answered ones took: `server::load`.
//!
//! Reports are older than fresh probes, and all clients know the same ones. So hot begins at a quarter of the others and not at 0.84, and
//! latencies within a half octave (up to a factor of 1.5) count as equal, lest everybody run after whoever was fastest.
//!
//! A cold replica is passed over for a hot one that is three times as fast, its overload counted twice, and that has at most twice what
//! makes hot. In the paper a cold one always wins: there a replica that has turned very slow gets a request whenever all others
//! happen to be hot, which among a few replicas of like load is often.
//!
//! A replica counts with the larger of what it said and what this client itself has in flight there. Its load is divided by its
//! weight relative to the heaviest, its slow start, and the square of its share of successes: a replica that fails
//! fast must not look fast.
//!
//! # Who does not report
//! For each pick one replica is drawn by chance. If it has told nothing for [`PrequalRules::silent_after`], the pick is made by
//! P2C on peak EWMA over the whole set; so it is when the pool has fewer than [`PrequalRules::min_pool`] replicas that the call may
//! take. So a set without reports is balanced by P2C on peak EWMA alone, a mixed one in proportion, and a replica that lost all of its
//! traffic is looked at again even where nobody sends probes.
//!
//! # Threads
//! The pool stands behind a mutex that nobody waits for: it is only tried. Who finds it taken (the holder scans at most 16
//! entries) lets P2C choose, or drops the report, as another follows.

mod pool;
mod probe;
mod quantile;
mod rank;
mod reports;
mod roster;
mod rules;
mod supply;

pub use probe::Probe;
pub use rules::PrequalRules;

use std::sync::Arc;

use arc_swap::ArcSwap;

use self::reports::Reports;
use self::roster::Voice;
use super::{Algorithm, Chance, Members, PickHint, Slot, Standing, Watch};
use crate::clock::Instant;

/// Prequal: the fastest of the replicas that are not overloaded, by what they say themselves.
///
/// Wydrowski et al., "Load is not what you should balance: Introducing Prequal" (NSDI'24). Replicas tell their load with their responses
/// ([`LOAD_HEADER`](super::LOAD_HEADER)); those that do not are balanced by P2C on peak EWMA, in proportion to their number. The numbers
/// that it goes by are [`PrequalRules`].
#[derive(Debug)]
pub struct Prequal {
    members: ArcSwap<Ranked>,
    reports: Arc<Reports>,
    chance: Chance,
    /// For the replicas that do not report.
    silent: Box<dyn Algorithm>,
}

#[derive(Debug, Default)]
struct Ranked {
    members: Arc<Members>,
    heaviest: u32,
}

/// Failing replicas look at most so much more loaded than they are.
const LEAST_SHARE: f32 = 1.0 / 1024.0;

impl Ranked {
    /// The share of traffic that a replica should carry relative to the heaviest one's.
    fn share(&self, slot: &Slot, now: Instant) -> f32 {
        let successes = 1.0 - slot.failure_share(now);
        let share =
            slot.weight() as f32 / self.heaviest as f32 * slot.ramp(now) * successes * successes;
        share.max(LEAST_SHARE)
    }
}

impl Prequal {
    /// Prequal without endpoints; `silent` chooses when reports cannot: P2C on peak EWMA.
    #[must_use]
    pub fn new(rules: PrequalRules, silent: Box<dyn Algorithm>, seed: u64) -> Self {
        Self {
            members: ArcSwap::default(),
            reports: Arc::new(Reports::new(rules, seed)),
            chance: Chance::new(!seed),
            silent,
        }
    }

    fn choose_by_reports(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let ranked = self.members.load();
        let active = ranked.members.active();
        let drawn = self.chance.below(active.len());
        match self.reports.voice(drawn, now) {
            Voice::Heard => {}
            Voice::Silent => {
                self.reports.passed_over(now);
                return None;
            }
            Voice::Unknown => return None,
        }
        let slot = |key: roster::Key| {
            let slot = active.get(key.index as usize)?;
            // An update may stand between the two.
            (slot.id() == key.id).then_some(slot)
        };
        let chosen = self.reports.choose(now, |key| {
            let slot = slot(key).filter(|slot| slot.standing(hint, now) == Some(Standing::BEST))?;
            Some(rank::Seen {
                share: ranked.share(slot, now),
                in_flight: slot.in_flight(),
            })
        })?;
        slot(chosen).cloned()
    }
}

impl Algorithm for Prequal {
    fn update(&self, members: &Arc<Members>, now: Instant) {
        self.silent.update(members, now);
        self.reports.update(members.active(), now);
        self.members.store(Arc::new(Ranked {
            members: members.clone(),
            heaviest: (members.active().iter().map(|slot| slot.weight()).max()).unwrap_or_default(),
        }));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        self.choose_by_reports(hint, now)
            .or_else(|| self.silent.choose(hint, now))
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        Some(self.reports.clone())
    }

    fn probe_due(&self, now: Instant) -> Option<Probe> {
        if !self.reports.wants_probes() {
            return None;
        }
        let ranked = self.members.load();
        let active = ranked.members.active();
        let start = self.chance.below(active.len());
        let hint = PickHint::default();
        let key = self.reports.take_probe(start, now, |key| {
            (active.get(key.index as usize))
                .filter(|slot| slot.id() == key.id)
                .is_some_and(|slot| slot.standing(&hint, now) == Some(Standing::BEST))
        })?;
        let slot = active.get(key.index as usize)?;
        Some(Probe::new(slot.clone(), self.reports.clone()))
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests;
