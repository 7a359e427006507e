//! The walk along a table: the first endpoint of a key that is healthy and not overloaded.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::maglev_table::MaglevTable;
use super::name::hashed_name;
use super::ring_table::{RingSize, RingTable};
use super::total::Total;
use super::xxh64::{avalanche, xxh64};
use crate::balance::chance::scale;
use crate::balance::{Algorithm, Chance, Members, PickHint, Slot, Standing};
use crate::clock::Instant;

/// Ring hash: consistent hashing with bounded loads, on a ring.
///
/// The ring is that of Karger et al., "Consistent Hashing and Random Trees" (STOC'97), laid out as in Envoy
/// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers#ring-hash>).
/// When an endpoint comes or goes, only the keys move that it takes or leaves.
pub type RingHash = ConsistentHash<RingTable>;

/// Maglev: a table that every endpoint fills in turns.
///
/// Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer" (NSDI'16), section 3.4. Shares are more even than on a
/// ring and a lookup is one read; when an endpoint comes or goes, a few per cent of the other keys move too.
pub type Maglev = ConsistentHash<MaglevTable>;

/// How far a key walks before the choice is made by a scan: with bounded loads of 1.25 at most four in five endpoints are full, so a
/// walk that long has a chance of 0.8^256.
const FARTHEST: usize = 256;

/// Where keys belong.
pub trait Table: Default + Send + Sync + fmt::Debug + 'static {
    /// What a table is built by.
    type Rules: Copy + Send + Sync + fmt::Debug;

    /// A table over these slots; all have a weight.
    fn build(rules: Self::Rules, slots: &[Arc<Slot>]) -> Self;

    /// The slots, as indices, in the order in which this hash of a key meets them; empty only when there are none.
    fn walk(&self, hash: u64) -> impl Iterator<Item = u32>;
}

impl Table for RingTable {
    type Rules = RingSize;

    fn build(size: RingSize, slots: &[Arc<Slot>]) -> Self {
        let places: Vec<_> = slots
            .iter()
            .map(|slot| (slot.endpoint(), slot.weight()))
            .collect();
        Self::new(&places, size)
    }

    fn walk(&self, hash: u64) -> impl Iterator<Item = u32> {
        self.clockwise(hash)
    }
}

impl Table for MaglevTable {
    type Rules = u32;

    fn build(size: u32, slots: &[Arc<Slot>]) -> Self {
        let rows: Vec<_> = slots
            .iter()
            .map(|slot| (slot.endpoint(), slot.weight()))
            .collect();
        Self::new(&rows, size)
    }

    fn walk(&self, hash: u64) -> impl Iterator<Item = u32> {
        // The table knows no second choice: the hash is hashed again, so that a full endpoint's keys spread over all.
        let hashes =
            std::iter::successors(Some(hash), |hash| Some(avalanche(hash.wrapping_add(1))));
        hashes.map_while(|hash| self.get(hash))
    }
}

/// Consistent hashing over a table: [`RingHash`] or [`Maglev`].
///
/// The key is [`PickHint::key`], best made by [`hash_key`](super::hash_key); without one it is drawn by chance. The choice depends on the
/// key, the endpoints' addresses and weights, and who of them is healthy, and on nothing else: all clients agree.
///
/// A key goes to the first endpoint on its walk that is healthy and not overloaded, and comes back when its own is so again. An
/// endpoint in slow start takes over its keys one after the other, each for good. Weights are followed by the table.
///
/// Bounded loads: an endpoint has at most `ceil(factor * (in flight + 1) * weight / total weight)` requests of this client in
/// flight, so that a key that everybody asks for does not drown its endpoint (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with
/// Bounded Loads", SODA'18; <https://arxiv.org/abs/1608.01350>). The sum is an estimate that is at most n / 8 picks old.
#[derive(Debug)]
pub struct ConsistentHash<T: Table> {
    rules: T::Rules,
    load_factor: Option<f32>,
    chance: Chance,
    state: ArcSwap<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    members: Arc<Members>,
    table: Arc<T>,
    weight: u64,
    total: Total,
}

impl RingHash {
    /// A ring without endpoints. A load factor of 1.25 is usual; `None` sets no bound, and what is below 1 counts as 1.
    #[must_use]
    pub fn new(size: RingSize, load_factor: Option<f32>, seed: u64) -> Self {
        Self::with(size, load_factor, seed)
    }
}

impl Maglev {
    /// A table without endpoints, its size the next prime from `table_size` on. It should be a hundred times the number of
    /// endpoints, for shares that are even to a per cent; with fewer entries than endpoints some get no traffic. The load factor is
    /// that of the ring.
    #[must_use]
    pub fn new(table_size: u32, load_factor: Option<f32>, seed: u64) -> Self {
        Self::with(table_size, load_factor, seed)
    }
}

impl<T: Table> ConsistentHash<T> {
    fn with(rules: T::Rules, load_factor: Option<f32>, seed: u64) -> Self {
        Self {
            rules,
            load_factor: load_factor.map(|factor| factor.max(1.0)),
            chance: Chance::new(seed),
            state: ArcSwap::from_pointee(State::new(Arc::default(), Arc::default())),
        }
    }
}

impl<T> State<T> {
    fn new(members: Arc<Members>, table: Arc<T>) -> Self {
        let active = members.active();
        Self {
            weight: active.iter().map(|slot| u64::from(slot.weight())).sum(),
            total: Total::new(active),
            members,
            table,
        }
    }

    /// How many requests one unit of weight may have in flight, the one to be placed included.
    fn bound(&self, factor: f32) -> f64 {
        let in_flight = self.total.in_flight(self.members.active()) + 1;
        f64::from(factor) * in_flight as f64 / self.weight as f64
    }
}

impl<T: Table> Algorithm for ConsistentHash<T> {
    fn update(&self, members: &Arc<Members>, _now: Instant) {
        let old = self.state.load();
        // A changed label moves no key.
        let table = if same_places(old.members.active(), members.active()) {
            old.table.clone()
        } else {
            Arc::new(T::build(self.rules, members.active()))
        };
        self.state
            .store(Arc::new(State::new(members.clone(), table)));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let state = self.state.load();
        // Numbers such as database ids are keys too, though no hashes.
        let hash = avalanche(hint.key.unwrap_or_else(|| self.chance.draw()));
        let bound = self.load_factor.map(|factor| state.bound(factor));
        let active = state.members.active();
        let mut healthy = None;
        for index in state.table.walk(hash).take(FARTHEST) {
            let Some(slot) = active.get(index as usize) else {
                continue;
            };
            if slot.standing(hint, now) != Some(Standing::BEST) {
                continue;
            }
            if takes(slot, hash, now) && bound.is_none_or(|bound| has_room(slot, bound)) {
                return Some(slot.clone());
            }
            healthy.get_or_insert(slot);
        }
        let start = scale(hash, active.len());
        healthy
            .or_else(|| state.members.best(start, hint, now))
            .cloned()
    }
}

fn has_room(slot: &Slot, bound: f64) -> bool {
    f64::from(slot.in_flight()) < (bound * f64::from(slot.weight())).ceil()
}

/// Whether an endpoint in slow start has the key already.
fn takes(slot: &Slot, hash: u64, now: Instant) -> bool {
    let ramp = slot.ramp(now);
    // Another hash than the walk's, on which an endpoint's keys are neighbours.
    let key = || xxh64(hashed_name(slot.endpoint()).as_bytes(), hash);
    ramp >= 1.0 || ((key() >> 40) as f32) < ramp * (1 << 24) as f32
}

fn same_places(old: &[Arc<Slot>], new: &[Arc<Slot>]) -> bool {
    old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(old, new)| old.id() == new.id() && old.weight() == new.weight())
}
