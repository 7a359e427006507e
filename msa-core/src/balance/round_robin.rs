//! One after the other.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::chance::mix;
use super::{Algorithm, Members, PickHint, Slot, Standing};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Takes the endpoints in turn, whatever their load.
///
/// For services whose calls cost alike. Each of n endpoints of equal weight gets exactly one of any n picks in a row, over all
/// threads together. A pick is one atomic addition; an update never makes a pick wait.
///
/// An endpoint that weighs less than the heaviest one passes on some of its turns: with half the weight, every other one. That is
/// gRPC's static stride scheduler (<https://github.com/grpc/proposal/blob/master/A58-client-side-weighted-round-robin-lb-policy.md>). Where
/// few are heavy among many light ones most turns are passed on: [`Weighted`](super::Weighted) has none to pass.
///
/// A retry takes a turn of its own instead of the turn after the failed one: otherwise the neighbour of a dead
/// endpoint would carry its own share and all of the dead one's.
#[derive(Debug)]
pub struct RoundRobin {
    turn: AtomicUsize,
    ring: ArcSwap<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    members: Arc<Members>,
    /// The heaviest weight.
    most: u64,
}

impl Ring {
    /// Whether this slot takes its turn of a round: in `weight` of any `most` rounds, evenly spread.
    #[inline]
    fn has_turn(&self, slot: &Slot, index: usize, round: usize) -> bool {
        let weight = u64::from(slot.weight());
        if weight == self.most {
            return true;
        }
        // Neighbours of one weight begin half a cycle apart, so that they do not all pass on the same round.
        let passed = (round as u64 % self.most) * weight + (index as u64 % 2) * (self.most / 2);
        passed % self.most >= self.most - weight
    }
}

impl RoundRobin {
    /// An algorithm without endpoints. The seed decides which endpoint is first, so that many processes that start at
    /// once, each with its own seed, do not all call the same one.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            // 32 bits: far from where a 64-bit counter wraps, which would bend the order once.
            turn: AtomicUsize::new((mix(seed) >> 32) as usize),
            ring: ArcSwap::default(),
        }
    }
}

impl Algorithm for RoundRobin {
    fn update(&self, members: &Arc<Members>, _now: Instant) {
        let weights = members.active().iter().map(|slot| slot.weight());
        self.ring.store(Arc::new(Ring {
            members: members.clone(),
            most: u64::from(weights.max().unwrap_or(0)),
        }));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let ring = self.ring.load();
        let active = ring.members.active();
        let mut index = 0;
        // Twice round: the heaviest passes on no turn, but it may have been tried, and then the others' rounds count.
        for _ in 0..active.len().saturating_mul(2) {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            index = turn.checked_rem(active.len())?;
            let slot = active.get(index)?;
            if slot.standing(hint, now) == Some(Standing::BEST)
                && ring.has_turn(slot, index, turn / active.len())
                && slot.takes_turn(mix(turn as u64), now)
            {
                return Some(slot.clone());
            }
        }
        // Other threads' turns can interleave so that ours all met others; a good one may be there still.
        ring.members.best(index, hint, now).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::balance::{Balanced, Balancer, Fleet, Measures};
    use crate::clock;
    use crate::discovery::{Endpoint, EndpointSet};

    fn set(names: &[&str]) -> EndpointSet {
        names
            .iter()
            .map(|name| format!("http://{name}:80").parse().unwrap())
            .collect()
    }

    fn empty(seed: u64) -> Balanced {
        let fleet = Arc::new(Fleet::new(Measures::default()));
        Balanced::new(fleet, Box::new(RoundRobin::new(seed)), clock::now())
    }

    fn balancer(seed: u64, names: &[&str]) -> Balanced {
        let balancer = empty(seed);
        balancer.update(&set(names), clock::now());
        balancer
    }

    fn pick(balancer: &Balanced, avoid: &[Endpoint]) -> Option<Endpoint> {
        balancer
            .pick(&PickHint::avoiding(avoid), clock::now())
            .map(|pick| pick.endpoint().clone())
    }

    fn counts(picks: impl IntoIterator<Item = Endpoint>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for endpoint in picks {
            *counts.entry(endpoint.host().to_string()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn each_gets_its_share_of_any_round_wherever_it_starts() {
        for seed in 0..50 {
            for n in 1..=5 {
                let names = &["a", "b", "c", "d", "e"][..n];
                let balancer = balancer(seed, names);
                for rounds in [1, 1, 7] {
                    let counts = counts((0..n * rounds).map(|_| pick(&balancer, &[]).unwrap()));
                    assert_eq!(counts.len(), n);
                    assert!(counts.values().all(|count| *count == rounds), "{counts:?}");
                }
            }
        }
    }

    #[test]
    fn threads_together_are_fair() {
        let balancer = balancer(3, &["a", "b", "c"]);
        let picks = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..300)
                            .map(|_| pick(&balancer, &[]).unwrap())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(counts(picks).values().all(|count| *count == 400));
    }

    #[test]
    fn seeds_spread_the_first_pick() {
        let first =
            counts((0..400).map(|seed| pick(&balancer(seed, &["a", "b", "c", "d"]), &[]).unwrap()));
        assert_eq!(first.len(), 4);
        assert!(
            first.values().all(|count| (70..130).contains(count)),
            "{first:?}"
        );
        assert_eq!(
            pick(&balancer(9, &["a", "b"]), &[]),
            pick(&balancer(9, &["a", "b"]), &[])
        );
    }

    #[test]
    fn a_tried_endpoint_is_avoided_until_all_were_tried() {
        let balancer = balancer(0, &["a", "b", "c"]);
        for _ in 0..20 {
            let mut tried = Vec::new();
            for _ in 0..3 {
                let next = pick(&balancer, &tried).unwrap();
                assert!(!tried.contains(&next), "{next} of {tried:?}");
                tried.push(next);
            }
            assert!(pick(&balancer, &tried).is_some());
        }
    }

    #[test]
    fn an_endpoint_whose_weight_changed_since_it_was_tried_is_avoided_still() {
        let balancer = balancer(0, &["a", "b"]);
        let tried = [set(&["a"]).as_slice()[0].clone().with_weight(7)];
        for _ in 0..6 {
            assert_eq!(pick(&balancer, &tried).unwrap().authority(), "b:80");
        }
    }

    #[test]
    fn the_neighbour_of_a_dead_endpoint_does_not_inherit_all_of_its_calls() {
        let balancer = balancer(0, &["dead", "b", "c"]);
        let mut answered = Vec::new();
        for _ in 0..300 {
            let first = pick(&balancer, &[]).unwrap();
            answered.push(if first.authority() == "dead:80" {
                pick(&balancer, &[first]).unwrap()
            } else {
                first
            });
        }
        assert_eq!(
            counts(answered),
            BTreeMap::from([("b".into(), 150), ("c".into(), 150)])
        );
    }

    #[test]
    fn weight_zero_stands_by() {
        let mut endpoints: Vec<Endpoint> = set(&["a", "b"]).iter().cloned().collect();
        endpoints.push(
            "http://spare:80"
                .parse::<Endpoint>()
                .unwrap()
                .with_weight(0),
        );
        let balancer = empty(0);
        balancer.update(&endpoints.iter().cloned().collect(), clock::now());
        assert!((0..9).all(|_| pick(&balancer, &[]).unwrap().authority() != "spare:80"));
        assert_eq!(
            pick(&balancer, &endpoints[..2]).unwrap().authority(),
            "spare:80"
        );
        assert_ne!(pick(&balancer, &endpoints).unwrap().authority(), "spare:80");
        balancer.update(&endpoints[2..].iter().cloned().collect(), clock::now());
        assert_eq!(pick(&balancer, &[]).unwrap().authority(), "spare:80");
        assert_eq!(pick(&balancer, &endpoints).unwrap().authority(), "spare:80");
    }

    #[test]
    fn a_new_set_counts_from_the_next_pick_on_and_an_empty_one_gives_none() {
        let balancer = balancer(0, &["a", "b"]);
        balancer.update(&set(&["c"]), clock::now());
        assert_eq!(pick(&balancer, &[]).unwrap().authority(), "c:80");
        balancer.update(&EndpointSet::default(), clock::now());
        assert_eq!(pick(&balancer, &[]), None);
        balancer.update(&set(&["a", "b"]), clock::now());
        assert_eq!(
            counts((0..4).map(|_| pick(&balancer, &[]).unwrap())).len(),
            2
        );
    }
}
