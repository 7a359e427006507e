//! Which endpoint an attempt goes to, and its permit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::record::CallRecord;
use super::service::Snapshot;
use super::{CallError, CallErrorKind};
use crate::balance::{Mark, Only, Pick, PickHint};
use crate::clock::Instant;
use crate::discovery::Endpoint;
use crate::event::Event;
use crate::resilience::breaker::OwnedPermit;

/// What one call asks of the choice of its endpoint, given by `.with_extension(..)` on its request builder.
///
/// ```
/// # use msa_core::client::{ChoiceOptions, ServiceClient};
/// # fn f(client: &ServiceClient) {
/// client
///     .get("http://cart-service/carts/7")
///     .with_extension(ChoiceOptions::new().key(7));
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ChoiceOptions {
    key: Option<u64>,
    zone: Option<Arc<str>>,
    labels: BTreeMap<String, String>,
    endpoints: Vec<Endpoint>,
    avoid: Vec<Endpoint>,
}

impl ChoiceOptions {
    /// Nothing in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a hashing balancer (`ring-hash`, `maglev`) hashes, such as the hash of a user's id. Defaults to chance.
    pub fn key(mut self, key: u64) -> Self {
        self.key = Some(key);
        self
    }

    /// The zone to call from. Defaults to `clients.<name>.balance.zone.own`.
    pub fn zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Only endpoints with this label; of several labels an endpoint must have all. Defaults to any.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Only this endpoint, or one of several. Defaults to any.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Not this endpoint, unless there is no other. Defaults to none.
    pub fn avoid(mut self, endpoint: Endpoint) -> Self {
        self.avoid.push(endpoint);
        self
    }

    /// The endpoints to be avoided from the first attempt on.
    pub(super) fn avoided(options: Option<&Self>) -> Vec<Endpoint> {
        options.map_or_else(Vec::new, |options| options.avoid.clone())
    }

    fn admits(&self, endpoint: &Endpoint) -> bool {
        let labels =
            || (self.labels.iter()).all(|(key, value)| endpoint.labels().get(key) == Some(value));
        let named = |one: &Endpoint| one.same_instance(endpoint);
        labels() && (self.endpoints.is_empty() || self.endpoints.iter().any(named))
    }
}

/// So often may a permit be lost to others between the look and the call.
const LOST_RACES: usize = 3;

/// As [`look`], for a call that ends when there is none.
pub(super) fn choose(
    state: &Snapshot,
    record: &CallRecord,
    options: Option<&ChoiceOptions>,
    avoid: &mut Vec<Endpoint>,
    now: Instant,
) -> Result<(Pick, Option<OwnedPermit>), CallError> {
    let chosen = look(state, record, options, avoid, now);
    if let Err(error) = &chosen
        && error.kind() == CallErrorKind::CircuitOpen
    {
        record.refused();
    }
    chosen
}

/// An endpoint that is not `avoid`ed, with the permit of its breaker. Those whose permit was lost join the avoided.
pub(super) fn look(
    state: &Snapshot,
    record: &CallRecord,
    options: Option<&ChoiceOptions>,
    avoid: &mut Vec<Endpoint>,
    now: Instant,
) -> Result<(Pick, Option<OwnedPermit>), CallError> {
    let admits = |endpoint: &Endpoint| options.is_none_or(|options| options.admits(endpoint));
    let breakers = &state.policies.breakers;
    let mut refused = None;
    for _ in 0..=LOST_RACES {
        let mut hint = PickHint::avoiding(avoid);
        if let Some(options) = options {
            hint.key = options.key;
            hint.zone = options.zone.as_deref();
            if !options.labels.is_empty() || !options.endpoints.is_empty() {
                hint.only = Only::Matching(&admits);
            }
        }
        let Some(pick) = state.balancer.pick(&hint, now) else {
            break;
        };
        let permit = breakers.permit(&pick, &*state.balancer, record, now);
        // One that was open takes trial calls now.
        state.tell_breaker(record, &pick, now);
        match permit {
            Ok(permit) => {
                passed_over(state, record, Some(pick.endpoint()), avoid, now);
                return Ok((pick, permit));
            }
            Err(open) => {
                avoid.push(pick.endpoint().clone());
                refused = Some(open.retry_after);
            }
        }
    }
    passed_over(state, record, None, avoid, now);
    Err(match refused {
        Some(retry_after) => open(record, retry_after),
        None if options.is_some() => record.error(CallErrorKind::NoEndpoint, NO_SUCH_INSTANCE),
        None => record.error(CallErrorKind::NoEndpoint, NO_INSTANCE),
    })
}

/// Of a fleet so large not every endpoint is looked at for the journal.
const LOOKED_AT: usize = 16;

/// Notes which endpoints the choice could not fall on, and why.
fn passed_over(
    state: &Snapshot,
    record: &CallRecord,
    chosen: Option<&Endpoint>,
    avoid: &[Endpoint],
    now: Instant,
) {
    let (Some(_), Some(fleet)) = (record.notes(), state.balancer.fleet()) else {
        return;
    };
    let members = fleet.members();
    // After a failure it is worth more.
    let most = if avoid.is_empty() {
        LOOKED_AT
    } else {
        8 * LOOKED_AT
    };
    for slot in members.all().iter().take(most) {
        let endpoint = slot.endpoint();
        let reason = if slot.is(Mark::Ejected) {
            "ejected"
        } else if slot.is(Mark::Unhealthy) {
            "unhealthy"
        } else if slot.is(Mark::Draining) {
            "draining"
        } else if !slot.gate_admits(now) {
            "breaker_open"
        } else if avoid.iter().any(|tried| tried.same_instance(endpoint)) {
            "tried"
        } else {
            continue;
        };
        // In a panic, or when there is no other, it was chosen all the same.
        if chosen.is_none_or(|chosen| !endpoint.same_instance(chosen)) {
            let event = Event::PassedOver {
                service: record.service().name(),
                endpoint: endpoint.authority(),
                reason,
            };
            record.note(&event, now);
        }
    }
}

#[cold]
fn open(record: &CallRecord, retry_after: Duration) -> CallError {
    let error = record.error(
        CallErrorKind::CircuitOpen,
        "the circuit breaker of every instance is open",
    );
    error.with_retry_after(retry_after)
}

const NO_INSTANCE: &str =
    "it has no instance now: discovery knows the name and lists no endpoint for it";

const NO_SUCH_INSTANCE: &str =
    "it has no instance now, or none that the call's own ChoiceOptions admit";
