//! A chosen endpoint: a guard over what the choice counted.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::ewma::nanos;
use super::{Answer, End, Gate, LoadReport, Mark, Slot};
use crate::clock::Instant;
use crate::config::LatencyEnd;
use crate::discovery::Endpoint;

/// A chosen endpoint: a guard over what the choice counted.
///
/// Every pick tells at most one [`headers`](Self::headers) and has exactly one end: [`complete`](Self::complete),
/// [`body_failed`](Self::body_failed), [`cancelled`](Self::cancelled), or its drop. Reads no clock: who wants the time of a dropped body to count calls `complete`
/// from its own `Drop`. It ends where it began even when its endpoint has left in between.
#[must_use = "dropping a pick at once counts the request as cancelled"]
pub struct Pick {
    slot: Arc<Slot>,
    picked: Instant,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Answered(Answer),
    Ended,
}

impl Pick {
    /// Chooses this slot: counts a request in.
    #[inline]
    pub fn new(slot: Arc<Slot>, now: Instant) -> Self {
        slot.enter();
        Self {
            slot,
            picked: now,
            stage: Stage::Waiting,
        }
    }

    /// The endpoint to call.
    #[must_use]
    #[inline]
    pub fn endpoint(&self) -> &Endpoint {
        self.slot.endpoint()
    }

    /// The slot that was chosen.
    #[must_use]
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// The endpoint's breaker, to be downcast to its own type; `None` when the fleet gives no gates.
    #[must_use]
    pub fn gate(&self) -> Option<&dyn Any> {
        let gate: &dyn Gate = &**self.slot.gate()?;
        Some(gate)
    }

    /// Tells that the response's headers arrived, or that the attempt failed. Only the first call counts.
    pub fn headers(&mut self, answer: Answer, now: Instant) {
        if self.stage != Stage::Waiting {
            return;
        }
        self.stage = Stage::Answered(answer);
        let latency = now.saturating_duration_since(self.picked);
        let common = self.slot.common();
        match answer {
            Answer::Ignored => {}
            Answer::Success => {
                self.slot.answered(false, now);
                if common.latency_end() == LatencyEnd::Headers {
                    self.slot.took(self.waited(now), now);
                }
            }
            Answer::Failure | Answer::GatewayFailure | Answer::LocalFailure => {
                self.slot.answered(true, now);
                self.slot.took_at_least(self.waited(now), now);
            }
        }
        common.tell(|watch| watch.answered(&self.slot, answer, latency, now));
    }

    /// Tells what the endpoint said of its own load.
    pub fn report(&self, report: LoadReport, now: Instant) {
        let common = self.slot.common();
        common.tell(|watch| watch.reported(&self.slot, report, now));
    }

    /// Tells that the endpoint said that it is draining: it gets no further calls, and has not failed. Tells whether that is
    /// news.
    pub fn draining(&self, now: Instant) -> bool {
        let news = self.slot.mark(Mark::Draining, true);
        if news {
            let common = self.slot.common();
            common.tell(|watch| watch.draining(&self.slot, now));
        }
        news
    }

    /// Tells that the body ended, or that its reader had enough of it. What comes later does not count.
    pub fn complete(&mut self, now: Instant) {
        self.end(End::Complete(now));
    }

    /// Tells that the body failed before its end. What comes later does not count.
    pub fn body_failed(&mut self, now: Instant) {
        self.end(End::BodyFailed(now));
    }

    /// Tells that the caller went away before the headers: neither success nor failure, but the endpoint took at least so long. A
    /// drop says the same without the time; who knows it tells it, so that an endpoint that hangs does not look fast to callers who
    /// never wait for it to the end.
    pub fn cancelled(&mut self, now: Instant) {
        if self.stage == Stage::Waiting {
            self.slot.took_at_least(self.waited(now), now);
            self.end(End::Cancelled);
        }
    }

    fn end(&mut self, end: End) {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        if stage == Stage::Ended {
            return;
        }
        self.slot.leave();
        match (stage, end) {
            (Stage::Answered(_), End::BodyFailed(now)) => {
                self.slot.answered(true, now);
                self.slot.took_at_least(self.waited(now), now);
            }
            (Stage::Answered(Answer::Success), End::Complete(now))
                if self.slot.common().latency_end() == LatencyEnd::Body =>
            {
                self.slot.took(self.waited(now), now);
            }
            _ => {}
        }
        let common = self.slot.common();
        common.tell(|watch| watch.ended(&self.slot, end));
    }

    /// Nanoseconds since the pick.
    #[inline]
    fn waited(&self, now: Instant) -> f32 {
        nanos(now.saturating_duration_since(self.picked)) as f32
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        match self.stage {
            Stage::Waiting => self.end(End::Cancelled),
            Stage::Answered(_) => self.end(End::Answered),
            Stage::Ended => {}
        }
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick")
            .field("endpoint", self.endpoint())
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, msa_loom))]
mod loom_tests {
    use loom::thread;

    use super::*;
    use crate::balance::{Fleet, Measures};
    use crate::clock;

    fn slot() -> Arc<Slot> {
        let fleet = Fleet::new(Measures::default());
        let set = std::iter::once("http://a:80".parse().unwrap()).collect();
        fleet.update(&set, clock::now(), |_| {});
        fleet.members().all()[0].clone()
    }

    #[test]
    fn loom_every_end_counts_its_request_out() {
        loom::model(|| {
            let slot = slot();
            let now = clock::now();
            let threads = [false, true].map(|answered| {
                let mut pick = Pick::new(slot.clone(), now);
                thread::spawn(move || {
                    if answered {
                        pick.headers(Answer::Failure, now);
                        pick.complete(now);
                    }
                })
            });
            let held = Pick::new(slot.clone(), now);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(slot.in_flight(), 1);
            drop(held);
            assert_eq!(slot.in_flight(), 0);
            assert!(slot.failure_share(now) > 0.09);
        });
    }

    #[test]
    fn loom_a_mark_is_set_by_one_thread_only() {
        loom::model(|| {
            let slot = slot();
            let threads = [(); 2].map(|()| {
                let slot = slot.clone();
                thread::spawn(move || slot.mark(Mark::Draining, true))
            });
            slot.mark(Mark::Ejected, true);
            let news = threads.map(|thread| thread.join().unwrap());
            assert_eq!(news.iter().filter(|news| **news).count(), 1);
            assert!(slot.is(Mark::Ejected) && slot.is(Mark::Draining));
        });
    }
}
