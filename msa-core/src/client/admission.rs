//! Whether a call may begin: the bulkhead, the concurrency limit, the rate limit and the throttle of its service.

use std::error::Error;
#[cfg(feature = "rate-limit")]
use std::num::NonZeroU32;
use std::time::Duration;

use super::attempt::Told;
use super::deadline::Deadline;
use super::policies::Policies;
use super::record::CallRecord;
use super::{CallError, CallErrorKind};
use crate::clock::{self, Instant};
use crate::config::LimitMode;
use crate::event::Event;
use crate::resilience::bulkhead::{self, Full};
use crate::resilience::limit::{self, LimitGuard};
use crate::resilience::throttle::ThrottlePermit;
use crate::txn::Criticality;

/// What a call holds until its body is over. Dropped, it gives all of it back.
#[derive(Default)]
pub(super) struct Admission {
    bulkhead: Option<bulkhead::OwnedPermit>,
    limit: Option<(LimitGuard, limit::Permit)>,
    throttle: Option<ThrottlePermit>,
}

impl Admission {
    /// Takes what there is to take at once, and tells whether that is all: so it is for nearly every call, without a future to be polled.
    pub(super) fn is_free(&mut self, policies: &Policies) -> bool {
        policies.admits_freely() && self.take_bulkhead(policies)
    }

    /// Waits for a place where that is configured, until the deadline at most. `now` is then the time after the wait.
    pub(super) async fn enter(
        &mut self,
        policies: &Policies,
        record: &CallRecord,
        class: Criticality,
        deadline: &Deadline,
        now: &mut Instant,
    ) -> Result<(), CallError> {
        let entering = self.enter_slowly(policies, record, class, deadline, now);
        match tokio::time::timeout_at(deadline.at(), entering).await {
            Ok(entered) => entered.map_err(|error| record.name(error)),
            Err(_elapsed) => Err(record.name(deadline.error())),
        }
    }

    /// Takes the permit if one is free; also when there is no bulkhead.
    fn take_bulkhead(&mut self, policies: &Policies) -> bool {
        if !policies.settings.bulkhead.enabled {
            return true;
        }
        match policies.bulkhead.try_acquire() {
            Ok(permit) => self.bulkhead = Some(permit.into_owned()),
            Err(_full) => return false,
        }
        true
    }

    #[cfg_attr(not(feature = "rate-limit"), allow(unused_variables))] // only its waits are known beforehand
    async fn enter_slowly(
        &mut self,
        policies: &Policies,
        record: &CallRecord,
        class: Criticality,
        deadline: &Deadline,
        now: &mut Instant,
    ) -> Result<(), CallError> {
        if !self.take_bulkhead(policies) {
            let dark = policies.settings.bulkhead.dark;
            let waited = match dark {
                true => policies.bulkhead.try_acquire(),
                false => policies.bulkhead.acquire(*now).await,
            };
            *now = clock::now();
            match waited {
                Ok(permit) => self.bulkhead = Some(permit.into_owned()),
                Err(full) => refuse(record, "bulkhead", dark, || bulkhead_full(full))?,
            }
        }
        let guard = &policies.limit;
        // The guard tells the observers itself.
        if guard.mode() != LimitMode::Off {
            let limit = guard.acquire(class, *now).await.map_err(|overloaded| {
                refused(
                    CallErrorKind::BulkheadFull,
                    Some(overloaded.retry_after),
                    overloaded,
                )
            })?;
            self.limit = limit.map(|permit| (guard.clone(), permit));
            *now = clock::now();
        }
        #[cfg(feature = "rate-limit")]
        if let Some(rate) = &policies.rate_limit {
            let dark = policies.settings.rate_limit.dark;
            // A turn that comes after the deadline is of no use, and would be lost to others.
            let max_wait = match dark {
                true => Duration::ZERO,
                false => rate.config().longest_wait().min(deadline.left(*now)),
            };
            match rate.reserve(NonZeroU32::MIN, max_wait, *now) {
                Ok(Duration::ZERO) => {}
                Ok(wait) => {
                    tokio::time::sleep_until(*now + wait).await;
                    *now = clock::now();
                }
                Err(limited) => refuse(record, "rate_limit", dark, || {
                    refused(CallErrorKind::RateLimited, limited.retry_after, limited)
                })?,
            }
        }
        if let Some(throttle) = &policies.throttle {
            match throttle.try_acquire_owned(*now) {
                Ok(permit) => self.throttle = Some(permit),
                Err(throttled) => {
                    refuse(record, "throttle", policies.settings.throttle.dark, || {
                        refused(CallErrorKind::Throttled, None, throttled)
                    })?
                }
            }
        }
        Ok(())
    }

    /// The response's headers are there, or there will be none: tells those who learn from it. Places are kept.
    pub(super) fn settle(&mut self, told: Told, now: Instant) {
        if let Some(throttle) = self.throttle.take() {
            match told {
                Told::Answered | Told::Failed | Told::Late => throttle.accepted(now),
                Told::TurnedAway | Told::Lost | Told::Unreachable => throttle.rejected(now),
                Told::Nothing => {}
            }
        }
        if let Some((guard, permit)) = &mut self.limit {
            let outcome = match told {
                Told::Answered => limit::Outcome::Success,
                Told::TurnedAway | Told::Late | Told::Lost => limit::Outcome::Dropped,
                Told::Failed | Told::Unreachable | Told::Nothing => limit::Outcome::Ignored,
            };
            guard.record(permit, outcome, now);
        }
    }
}

/// Tells the refusal; in dark mode that is all.
#[cold]
fn refuse(
    record: &CallRecord,
    policy: &str,
    dark: bool,
    error: impl FnOnce() -> CallError,
) -> Result<(), CallError> {
    record.tell(&Event::Refused {
        service: record.service().name(),
        policy,
        dark,
    });
    if dark { Ok(()) } else { Err(error()) }
}

#[cold]
fn bulkhead_full(full: Full) -> CallError {
    refused(CallErrorKind::BulkheadFull, None, full)
}

#[cold]
fn refused(
    kind: CallErrorKind,
    retry_after: Option<Duration>,
    cause: impl Error + Send + Sync + 'static,
) -> CallError {
    let error = CallError::new(kind, cause.to_string());
    match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}
