//! Deterministic subsetting: each client speaks to a few of many endpoints, and all endpoints get the same number of clients.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::hash::{hashed_name, xxh64};
use super::{Algorithm, Chance, Members, PickHint, Probe, Slot, Standing, Watch};
use crate::clock::Instant;
use crate::discovery::Endpoint;

/// Which client of a service this is.
///
/// The instances of a client should be numbered 0, 1, 2 and so on, as Kubernetes numbers those of a StatefulSet: then every endpoint
/// serves the same number of them. An id without a number is hashed; then subsets are as good as random ones, and the number of
/// clients per endpoint varies as such do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientIndex(u64);

impl ClientIndex {
    /// The client of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The client of this id: its trailing decimal number (`web-7` is 7), or else its hash.
    ///
    /// ```
    /// use msa_core::balance::ClientIndex;
    ///
    /// assert_eq!(ClientIndex::of("web-7"), ClientIndex::new(7));
    /// ```
    #[must_use]
    pub fn of(id: &str) -> Self {
        let digits = id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let number = id
            .split_at_checked(id.len() - digits)
            .map(|(_, number)| number);
        match number.map(str::parse) {
            Some(Ok(number)) => Self(number),
            // No number, or one that is none of a replica.
            _ => Self(xxh64(id.as_bytes(), 0)),
        }
    }
}

/// Hands a part of the endpoints to another algorithm: about `size` of them, always the same for the same client.
///
/// The endpoints stand on a ring, each with an arc as long as its weight. Clients come in lots of L = the power of two from 4 n / size on.
/// The k-th client of a lot takes the arc of m/L from k'/L on, with m = ceil(size L / n) and k' the bits of k reversed. Those L arcs
/// cover every point of the ring exactly m times, so a full lot loads all endpoints alike; and a lot that is not full does so nearly, since
/// reversed bits (van der Corput's sequence) spread any number of clients. An endpoint that an arc only touches gets the weight of
/// the part that is touched. Each lot has an order of its own on the ring, by hash of the lot and the endpoint.
///
/// The arc is Finagle's deterministic aperture (<https://twitter.github.io/finagle/guide/ApertureLoadBalancers.html>); the lots with an order
/// each are the rounds of Google's deterministic subsetting (Site Reliability Engineering, chapter 20,
/// <https://sre.google/sre-book/load-balancing-datacenter/>); reversed bits are from its successor (Ward et al., "Reinventing Backend
/// Subsetting at Google", ACM Queue 20(5), 2022). Why not chapter 20 as it stands: it shuffles anew when an endpoint comes or goes, so
/// that most connections are made again, and leaves n mod size endpoints of each round without a client; here a few
/// connections move and none is left out. Why not the aperture as it stands: it must know how many clients there are, and
/// neighbours on its one ring share all of their clients, so that the load of one that fails falls on few.
///
/// When the healthy ones of the subset are used up, the others serve. A set of up to `size` is handed on whole; when n / size crosses a
/// power of two, lots change and most connections move once.
pub struct Subset {
    size: usize,
    client: ClientIndex,
    inner: Box<dyn Algorithm>,
    all: ArcSwap<Members>,
    chance: Chance,
}

impl Subset {
    /// About `size` endpoints, at least one, for `inner` to choose from; it must follow weights for the load to be even.
    #[must_use]
    pub fn new(size: usize, client: ClientIndex, inner: Box<dyn Algorithm>, seed: u64) -> Self {
        Self {
            size: size.max(1),
            client,
            inner,
            all: ArcSwap::default(),
            chance: Chance::new(seed),
        }
    }
}

impl Algorithm for Subset {
    fn update(&self, members: &Arc<Members>, now: Instant) {
        self.all.store(members.clone());
        let active = members.active();
        if active.len() <= self.size {
            return self.inner.update(members, now);
        }
        let shares = shares(active, self.size, self.client);
        let part = Members::new(
            shares
                .into_iter()
                .map(|(slot, share)| share_of(slot, share)),
        );
        self.inner.update(&Arc::new(part), now);
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let chosen = self.inner.choose(hint, now);
        let standing = chosen.as_ref().and_then(|slot| slot.standing(hint, now));
        if standing == Some(Standing::BEST) {
            return chosen;
        }
        let all = self.all.load();
        let start = self.chance.below(all.active().len());
        all.best(start, hint, now).cloned()
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        self.inner.watch()
    }

    fn probe_due(&self, now: Instant) -> Option<Probe> {
        self.inner.probe_due(now)
    }
}

impl fmt::Debug for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subset")
            .field("size", &self.size)
            .field("client", &self.client)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// Weights are whole: a part of one is counted in units of this.
const UNIT: f64 = 256.0;

/// The slot with so much (0 to 1) of its weight.
fn share_of(slot: &Arc<Slot>, share: f64) -> Arc<Slot> {
    let endpoint = slot.endpoint().clone();
    // A large weight is cut off at 2^32 / 256: 16,777,216.
    let weight = (f64::from(endpoint.weight()) * UNIT * share)
        .round()
        .max(1.0);
    Arc::new(slot.with_endpoint(endpoint.with_weight(weight as u32)))
}

/// The slots that a client takes, with how much of each.
fn shares(active: &[Arc<Slot>], size: usize, client: ClientIndex) -> Vec<(&Arc<Slot>, f64)> {
    let lot_size = (4 * active.len()).div_ceil(size).next_power_of_two() as u64;
    let lot = client.0 / lot_size;
    let arcs = (size as u64 * lot_size).div_ceil(active.len() as u64);
    let reversed = (client.0 % lot_size).reverse_bits() >> 1 >> (63 - lot_size.trailing_zeros());
    let from = reversed as f64 / lot_size as f64;
    let to = from + arcs as f64 / lot_size as f64;

    let mut ring: Vec<(u64, &Arc<Slot>)> = (active.iter())
        .map(|slot| (place(slot.endpoint(), lot), slot))
        .collect();
    ring.sort_unstable_by_key(|(place, slot)| (*place, slot.id()));
    let total: f64 = active.iter().map(|slot| f64::from(slot.weight())).sum();
    let mut end = 0.0;
    let mut taken = Vec::with_capacity(size + 2);
    for (_, slot) in ring {
        let start = end / total;
        end += f64::from(slot.weight());
        let stop = end / total;
        // The arc may go round past 1.
        let overlap = |shift: f64| (to.min(stop + shift) - from.max(start + shift)).max(0.0);
        let share = (overlap(0.0) + overlap(1.0)) / (stop - start);
        // What rounding leaves at the ends of an arc is nobody's.
        if share * UNIT >= 0.5 {
            taken.push((slot, share.min(1.0)));
        }
    }
    taken
}

/// Where an endpoint stands on the ring of a lot: the same for all clients, whatever its weight.
fn place(endpoint: &Endpoint, lot: u64) -> u64 {
    xxh64(hashed_name(endpoint).as_bytes(), lot)
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests;
