//! Whole calls through a breaker: with a timeout inside it, or a bulkhead.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use msa_core::clock::Instant;
use msa_core::resilience::breaker::{Breaker, Outcome, Permit};
use msa_core::resilience::bulkhead::{self, Bulkhead, BulkheadConfig};
use serde_json::json;

use crate::case::Trouble;
use crate::circuit_breaker::Kinds;
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::Clock;

/// What stands inside the breaker.
pub(crate) struct Calls {
    timeout: Option<Duration>,
    call: Option<Duration>,
    bulkhead: Option<Bulkhead>,
}

impl Calls {
    pub(crate) fn read(setting: &Setting<'_>) -> Result<Self, Trouble> {
        let bulkhead = match setting.object("bulkhead")? {
            None => None,
            Some(own) => {
                let max = own.count("max")?.unwrap_or(10);
                let queue = own.count("queue")?.unwrap_or(0);
                own.all_known()?;
                let max = u32::try_from(max).unwrap_or(u32::MAX);
                let queue = u32::try_from(queue).unwrap_or(u32::MAX);
                Some(Bulkhead::new(BulkheadConfig::microprofile(max, queue)))
            }
        };
        Ok(Self {
            timeout: setting.time("timeout")?,
            call: setting.time("call")?,
            bulkhead,
        })
    }

    pub(crate) fn begin<'b>(&'b self, breaker: &'b Breaker) -> Running<'b> {
        Running {
            breaker,
            rules: self,
            held: VecDeque::new(),
            runs: 0,
        }
    }
}

/// The calls of a case.
pub(crate) struct Running<'b> {
    breaker: &'b Breaker,
    rules: &'b Calls,
    held: VecDeque<Held<'b>>,
    runs: u64,
}

/// A call in flight, or waiting for its place in the bulkhead.
struct Held<'b> {
    name: String,
    permit: Permit<&'b Breaker>,
    place: Place<'b>,
}

/// Where a call stands with the bulkhead.
enum Place<'b> {
    /// There is none.
    Free,
    In {
        /// Given back when the call ends.
        _permit: bulkhead::Permit<'b>,
    },
    Waits(Pin<Box<bulkhead::Acquire<'b>>>),
}

impl<'b> Running<'b> {
    /// How often the protected function has run.
    pub(crate) fn runs(&self) -> u64 {
        self.runs
    }

    /// `call:fail`, `call:ok`, `call:hang`.
    pub(crate) fn make(
        &mut self,
        how: &str,
        kinds: &Kinds,
        clock: &mut Clock,
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let Ok(permit) = self.breaker.try_acquire(clock.now()) else {
            seen.insert("r", json!("open"));
            return Ok(());
        };
        self.runs += 1;
        let hang = how == "hang";
        let takes = if hang { self.rules.call } else { None };
        let (outcome, result) = match (how, self.rules.timeout, takes) {
            ("hang", Some(timeout), takes) if takes.is_none_or(|takes| takes > timeout) => {
                clock.step(&format!("advance_ns:{}", timeout.as_nanos()))?;
                (kinds.outcome("timeout"), "timeout")
            }
            ("hang", _, Some(takes)) => {
                clock.step(&format!("advance_ns:{}", takes.as_nanos()))?;
                (Outcome::Success, "ok")
            }
            ("hang", _, None) => {
                return Err(Trouble::inexpressible(
                    "a call that never ends, and no timeout",
                ));
            }
            ("ok" | "success", ..) => (Outcome::Success, "ok"),
            (kind, ..) => (kinds.outcome(kind), "fail"),
        };
        permit.end(outcome, clock.now());
        seen.insert("r", json!(result));
        Ok(())
    }

    /// `start:held`, `start:NAME:held`: a call that stays.
    pub(crate) fn start(
        &mut self,
        rest: &str,
        kinds: &Kinds,
        now: Instant,
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let name = rest.rsplit_once(':').map_or("", |(name, _)| name);
        let Ok(permit) = self.breaker.try_acquire(now) else {
            seen.insert("r", json!("open"));
            return Ok(());
        };
        let place = match &self.rules.bulkhead {
            None => Place::Free,
            Some(bulkhead) => {
                let mut waits = Box::pin(bulkhead.acquire(now));
                match look(waits.as_mut()) {
                    Poll::Ready(Ok(_permit)) => Place::In { _permit },
                    Poll::Pending => Place::Waits(waits),
                    Poll::Ready(Err(_)) => {
                        permit.end(kinds.outcome("bulkhead_full"), now);
                        seen.insert("r", json!("bulkhead_full"));
                        return Ok(());
                    }
                }
            }
        };
        let waits = matches!(place, Place::Waits(_));
        self.runs += u64::from(!waits);
        let name = name.to_owned();
        self.held.push_back(Held {
            name,
            permit,
            place,
        });
        seen.insert("r", json!(if waits { "queued" } else { "running" }));
        Ok(())
    }

    /// `finish:ok`, `finish:NAME:fail`: the first such call ends, and the first that waits takes its place.
    pub(crate) fn finish(
        &mut self,
        rest: &str,
        kinds: &Kinds,
        now: Instant,
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let (name, how) = rest.rsplit_once(':').unwrap_or(("", rest));
        let runs = |held: &Held<'_>| !matches!(held.place, Place::Waits(_));
        let held = (self.held.iter())
            .position(|held| runs(held) && (name.is_empty() || held.name == name))
            .and_then(|place| self.held.remove(place))
            .ok_or_else(|| Trouble::inexpressible(format!("no call `{name}` is in flight")))?;
        let (outcome, result) = match how {
            "ok" | "success" => (Outcome::Success, "ok"),
            kind => (kinds.outcome(kind), "fail"),
        };
        held.permit.end(outcome, now);
        drop(held.place);
        seen.insert("r", json!(result));
        for held in &mut self.held {
            if let Place::Waits(waits) = &mut held.place
                && let Poll::Ready(Ok(_permit)) = look(waits.as_mut())
            {
                held.place = Place::In { _permit };
                self.runs += 1;
            }
        }
        Ok(())
    }
}

/// Polls once: nobody has to be woken, since every event looks again.
fn look<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
