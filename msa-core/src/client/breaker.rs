//! The circuit breaker of each endpoint: seen by the balancer as a gate, asked by the stack for its permit.

use std::any::Any;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::record::CallRecord;
use super::{CallError, CallErrorKind, Failure};
use crate::balance::{Balancer, Gate, MakeGate, Pick, Slot};
use crate::clock::Instant;
use crate::config::BreakerSettings;
use crate::discovery::Endpoint;
use crate::event::Event;
pub(super) use crate::resilience::breaker::Outcome;
use crate::resilience::breaker::{
    Breaker, BreakerConfig, Epoch, HttpStatus, OpenError, OwnedPermit,
};

/// The breakers of one service's endpoints: what they go by.
///
/// Breakers themselves live in the slots of the service's fleet, each as long as its endpoint.
#[derive(Clone)]
pub(super) struct Breakers(Arc<ArcSwap<Rules>>);

struct Rules {
    settings: BreakerSettings,
    config: BreakerConfig,
    seed: u64,
}

/// What a permit was given for, to tell of a body that failed after its headers.
pub(super) type Settled = Option<Epoch>;

impl Breakers {
    pub(super) fn new(settings: &BreakerSettings, seed: u64) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Rules {
            settings: settings.clone(),
            config: settings.into(),
            seed,
        })))
    }

    /// Takes over changed settings; states and windows stay as far as they can.
    pub(super) fn configure(&self, settings: &BreakerSettings, balancer: &dyn Balancer) {
        let old = self.0.load();
        if old.settings == *settings {
            return;
        }
        let config = BreakerConfig::from(settings);
        self.0.store(Arc::new(Rules {
            settings: settings.clone(),
            config: config.clone(),
            seed: old.seed,
        }));
        let Some(fleet) = balancer.fleet() else {
            return;
        };
        for slot in fleet.members().all() {
            if let Some(gate) = slot.gate().and_then(|gate| of(&**gate)) {
                gate.breaker.update(config.clone());
            }
        }
    }

    /// Makes the breaker of each new endpoint.
    pub(super) fn make_gate(&self) -> MakeGate {
        let rules = self.0.clone();
        Arc::new(move |endpoint: &Endpoint| {
            let now = rules.load();
            let seed = (endpoint.authority().bytes())
                .fold(now.seed, |seed, byte| seed.rotate_left(7) ^ u64::from(byte));
            Arc::new(EndpointBreaker {
                breaker: Arc::new(Breaker::seeded(now.config.clone(), seed)),
                rules: rules.clone(),
            })
        })
    }

    /// The permit to call the endpoint; `None` where there is no breaker, or where it only reports.
    ///
    /// It only reports in dark mode, and while so few endpoints are healthy that all of them are used; but not when no breaker
    /// at all lets a call through: then the service is down, and the callers are told at once.
    pub(super) fn permit(
        &self,
        pick: &Pick,
        balancer: &dyn Balancer,
        record: &CallRecord,
        now: Instant,
    ) -> Result<Option<OwnedPermit>, OpenError> {
        let rules = self.0.load();
        let Some(gate) = pick.gate().and_then(of_any) else {
            return Ok(None);
        };
        if !rules.settings.enabled {
            return Ok(None);
        }
        match gate.breaker.try_acquire_owned(now) {
            Ok(permit) => Ok(Some(permit)),
            Err(open) => {
                if !rules.settings.dark && !in_panic(balancer, now) {
                    return Err(open); // another endpoint's may let it through
                }
                record.let_through();
                Ok(None)
            }
        }
    }

    /// Tells the breaker how the call went.
    pub(super) fn settle(
        &self,
        permit: Option<OwnedPermit>,
        outcome: Outcome,
        now: Instant,
    ) -> Settled {
        permit.map(|permit| permit.end(outcome, now))
    }

    /// The body of an answer that counted as a success broke off: one more failure.
    pub(super) fn body_failed(&self, pick: &Pick, settled: Settled, now: Instant) {
        if let (Some(epoch), Some(gate)) = (settled, pick.gate().and_then(of_any)) {
            let took = std::time::Duration::ZERO;
            gate.breaker.record(epoch, Outcome::Failure, took, now);
        }
    }

    /// Tells the observers of the changes of the endpoint's breaker since the last time; `true` when there were any.
    pub(super) fn tell(&self, pick: &Pick, record: &CallRecord) -> bool {
        let Some(gate) = pick.gate().and_then(of_any) else {
            return false;
        };
        let mut changed = false;
        for change in gate.breaker.transitions() {
            changed = true;
            record.tell(&Event::BreakerChanged {
                service: record.service().name(),
                endpoint: pick.endpoint().authority(),
                from: change.from.as_str(),
                to: change.to.as_str(),
                reason: change.reason.as_str(),
                dark: self.0.load().settings.dark,
            });
        }
        changed
    }
}

/// Too few endpoints are healthy, and yet some are.
#[cold]
fn in_panic(balancer: &dyn Balancer, now: Instant) -> bool {
    balancer.fleet().is_some_and(|fleet| {
        let members = fleet.members();
        fleet.in_panic() && members.all().iter().any(|slot| slot.gate_admits(now))
    })
}

/// How an attempt went, as its endpoint's breaker counts.
pub(super) fn outcome_of_answer(
    status: http::StatusCode,
    headers: &http::HeaderMap,
    leaving: bool,
) -> Outcome {
    // Whoever says that it leaves has not failed.
    if leaving && status.is_server_error() {
        return Outcome::Ignored;
    }
    HttpStatus::answered(status, headers)
}

/// The same for an attempt without a response. `inherited`: the caller's own deadline cut it off.
pub(super) fn outcome_of_error(error: &CallError, inherited: bool) -> Outcome {
    match (error.kind(), error.failure()) {
        (CallErrorKind::Connect, Some(failure)) if failure.is_connect() => Outcome::ConnectFailure,
        // A graceful goodbye.
        (_, Some(Failure::NeverSent)) => Outcome::Ignored,
        (CallErrorKind::Invalid | CallErrorKind::Cancelled, _) => Outcome::Ignored,
        (CallErrorKind::DeadlineExceeded, _) if inherited => Outcome::Ignored,
        _ => Outcome::Failure,
    }
}

/// The breaker behind a slot's gate.
#[cfg(test)]
pub(super) fn breaker_of(gate: &dyn Gate) -> Option<&Arc<Breaker>> {
    of(gate).map(|gate| &gate.breaker)
}

struct EndpointBreaker {
    breaker: Arc<Breaker>,
    rules: Arc<ArcSwap<Rules>>,
}

impl Gate for EndpointBreaker {
    #[inline]
    fn would_admit(&self, now: Instant) -> bool {
        // Asked first, since nearly always it is closed.
        self.breaker.would_admit(now) || {
            let rules = self.rules.load();
            rules.settings.dark || !rules.settings.enabled
        }
    }
}

impl std::fmt::Debug for EndpointBreaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.breaker.fmt(f)
    }
}

/// The breaker of an endpoint.
pub(super) fn of_slot(slot: &Slot) -> Option<Arc<Breaker>> {
    let gate = slot.gate().and_then(|gate| of(&**gate))?;
    Some(gate.breaker.clone())
}

fn of(gate: &dyn Gate) -> Option<&EndpointBreaker> {
    of_any(gate)
}

fn of_any(gate: &dyn Any) -> Option<&EndpointBreaker> {
    gate.downcast_ref()
}
