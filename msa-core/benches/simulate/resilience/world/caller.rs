//! The callers' side: from the call to what comes of it, in the order of the client's stack.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use msa_core::resilience::breaker::{Breaker, HttpStatus, Outcome};
use msa_core::resilience::retry::{Circumstances, Decision, Ending, Retry};
use msa_core::resilience::throttle::{Throttle, ThrottleConfig};
use msa_core::txn::Txn;

use super::server::Place;
use super::{Attempt, Call, Equipment, Event, World};
use crate::chance::Chance;

/// A process that calls the server.
pub(super) struct Caller {
    retry: Arc<Retry>,
    breaker: Option<Arc<Breaker>>,
    throttle: Option<Arc<Throttle>>,
}

impl Caller {
    pub(super) fn new(equipment: &Equipment, chance: &mut Chance) -> Self {
        Self {
            retry: Arc::new((equipment.retry)().seed(chance.seed())),
            breaker: (equipment.breaker)
                .then(|| Arc::new(Breaker::seeded(Default::default(), chance.seed()))),
            throttle: (equipment.throttle)
                .then(|| Arc::new(Throttle::seeded(ThrottleConfig::default(), chance.seed()))),
        }
    }
}

/// The client's default for a whole call.
const DEADLINE: Duration = Duration::from_secs(10);

impl World<'_> {
    pub(super) fn call(&mut self) {
        let now = self.engine.now();
        let number = self.chance.below(self.callers.len());
        let Some(caller) = self.callers.get(number) else {
            return;
        };
        let permit = (caller.throttle.as_ref()).map(|it| it.try_acquire_owned(now));
        let throttled = matches!(permit, Some(Err(_)));
        self.calls.push(Call {
            begun: self.engine.seconds(),
            took: throttled.then_some(Duration::ZERO),
            good: false,
            caller: number,
            since: now,
            txn: Txn::begin(),
            retry: caller.retry.begin_shared(now),
            throttle: permit.and_then(Result::ok),
        });
        if !throttled {
            self.attempt(self.calls.len() - 1);
        }
    }

    pub(super) fn attempt(&mut self, call: usize) {
        let now = self.engine.now();
        let Some(calling) = self.calls.get_mut(call) else {
            return;
        };
        calling.retry.started();
        let Some(caller) = self.callers.get(calling.caller) else {
            return;
        };
        let permit = caller.breaker.as_ref().map(|it| it.try_acquire_owned(now));
        let Ok(breaker) = permit.transpose() else {
            return self.ended(call, &Ending::Refused);
        };
        let attempt = self.attempts.len();
        self.attempts.push(Attempt {
            call,
            breaker,
            over: false,
            place: Place::Gone,
        });
        if let Some(at) = now.checked_add(self.equipment.patience) {
            self.engine.plan(at, Event::GiveUp(attempt));
        }
        self.arrive(attempt);
    }

    /// What its caller gets, who hears of the first only; nothing when he waits no longer.
    pub(super) fn answer(&mut self, attempt: usize, answer: Option<&Response<()>>) {
        let now = self.engine.now();
        let Some(attempt) = self.attempts.get_mut(attempt) else {
            return;
        };
        if std::mem::replace(&mut attempt.over, true) {
            return;
        }
        let outcome = match answer {
            Some(answer) if self.equipment.counts_shed => HttpStatus::of(answer.status()),
            Some(answer) => HttpStatus::answered(answer.status(), answer.headers()),
            None => Outcome::Failure,
        };
        if let Some(permit) = attempt.breaker.take() {
            permit.end(outcome, now);
        }
        let call = attempt.call;
        let ending = match (answer, self.calls.get(call)) {
            (Some(answer), Some(call)) => {
                let retry = call.retry.policy();
                retry.answered(answer.status().as_u16(), answer.headers(), || now)
            }
            _ => Ending::TimedOut,
        };
        self.ended(call, &ending);
    }

    fn ended(&mut self, number: usize, ending: &Ending) {
        let now = self.engine.now();
        let Some(call) = self.calls.get_mut(number) else {
            return;
        };
        let mut circumstances = Circumstances::default();
        circumstances.txn = Some(&call.txn);
        circumstances.deadline = call.since.checked_add(DEADLINE);
        match call.retry.after(ending, &circumstances, || now) {
            Decision::Retry { delay } => self.engine.plan_in(delay, Event::Again(number)),
            _ => {
                call.took = Some(now - call.since);
                call.good = *ending == Ending::Good;
                match call.throttle.take() {
                    Some(permit) if call.good => permit.accepted(now),
                    Some(permit) => permit.rejected(now),
                    None => {}
                }
            }
        }
    }
}
