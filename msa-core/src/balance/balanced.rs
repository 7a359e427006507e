//! An algorithm at work on a fleet.

use std::fmt;
use std::sync::Arc;

use super::{Balancer, Fleet, Members, Pick, PickHint, Probe, Slot, Watch};
use crate::clock::Instant;
use crate::discovery::EndpointSet;

/// The choosing part of a balancer, over slots that a [`Fleet`] keeps.
///
/// Called from many threads at once; `choose` stands on the path of every attempt and should neither lock nor allocate. An
/// implementation reads no clock and draws chance from a seed. Wrappers such as zones hand parts of the members to inner
/// algorithms.
pub trait Algorithm: Send + Sync + fmt::Debug + 'static {
    /// Takes over new members: endpoints came, left or changed. Never called twice at once.
    fn update(&self, members: &Arc<Members>, now: Instant);

    /// Chooses a slot, or `None` when there is none that the hint admits.
    ///
    /// The best [standing](Slot::standing) wins over all else: an endpoint that was tried, stands by or is set aside is chosen
    /// only when there is no better one.
    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>>;

    /// What wants to be told how the fleet's requests fare; `None` for algorithms that live on the slots' statistics. It must
    /// not hold slots: see [`Watch`].
    fn watch(&self) -> Option<Arc<dyn Watch>> {
        None
    }

    /// A probe to send now, without making any call wait; asked after a pick, until there is `None`. Only [`Prequal`](super::Prequal)
    /// has any.
    fn probe_due(&self, now: Instant) -> Option<Probe> {
        let _ = now; // most do not care
        None
    }
}

/// A [`Balancer`]: an [`Algorithm`] that chooses from a [`Fleet`].
#[derive(Debug)]
pub struct Balanced {
    fleet: Arc<Fleet>,
    algorithm: Box<dyn Algorithm>,
}

impl Balanced {
    /// Sets the algorithm to work on the fleet, with the members that it has now. From then on the fleet tells this algorithm
    /// and no earlier one what happens.
    #[must_use]
    pub fn new(fleet: Arc<Fleet>, algorithm: Box<dyn Algorithm>, now: Instant) -> Self {
        algorithm.update(&fleet.members(), now);
        fleet.set_algorithm_watch(algorithm.watch());
        Self { fleet, algorithm }
    }

    /// The endpoints that it chooses from, with what is known of them.
    #[must_use]
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }
}

impl Balancer for Balanced {
    fn update(&self, endpoints: &EndpointSet, now: Instant) {
        self.fleet.update(endpoints, now, |members| {
            self.algorithm.update(members, now)
        });
    }

    fn pick(&self, hint: &PickHint<'_>, now: Instant) -> Option<Pick> {
        let slot = self.algorithm.choose(hint, now)?;
        Some(Pick::new(slot, now))
    }

    fn fleet(&self) -> Option<&Arc<Fleet>> {
        Some(&self.fleet)
    }

    fn probe_due(&self, now: Instant) -> Option<Probe> {
        self.algorithm.probe_due(now)
    }
}
