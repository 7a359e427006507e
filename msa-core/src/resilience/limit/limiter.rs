//! The limiter as it is used: permits, and futures that wait for one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::core::{Core, Settled};
use super::slots::Take;
use super::waiting::Waiting;
use super::{Estimator, LimitConfig, Overloaded, Reason};
use crate::clock::{self, Instant};
use crate::txn::Criticality;

/// A concurrency limit that finds its height itself. Cheap to clone; clones share it.
///
/// Taking and giving back a place is three atomic instructions; a lock is taken only to wait for one, and once a window.
#[derive(Clone)]
pub struct Limiter(pub(super) Arc<Inner>);

/// Whoever waits is told here.
pub(super) type Waiter = oneshot::Sender<Result<Permit, Overloaded>>;

pub(super) struct Inner {
    pub(super) core: Core<Waiter>,
    seed: u64,
}

/// Whether a request may go on.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// It has its place.
    Admitted(Permit),
    /// It has to wait for one.
    Waiting(Waiting),
    /// It is turned away.
    Refused(Overloaded),
}

impl Limiter {
    /// A limiter with these settings. The seed decides when its algorithm probes.
    #[must_use]
    pub fn new(config: &LimitConfig, seed: u64, now: Instant) -> Self {
        Self::with_estimator(config, config.algorithm.build(seed), seed, now)
    }

    /// A limiter with an algorithm of one's own, until [`configure`](Self::configure) is called.
    #[must_use]
    pub fn with_estimator(
        config: &LimitConfig,
        estimator: Box<dyn Estimator>,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self(Arc::new(Inner {
            core: Core::new(config, estimator, now),
            seed,
        }))
    }

    /// Takes over other settings, but for those of the window. The algorithm begins anew from the limit of now; who is in
    /// or waits stays.
    pub fn configure(&self, config: &LimitConfig, now: Instant) {
        let algorithm = config.algorithm.starting_at(self.limit());
        self.0.core.configure(config, algorithm.build(self.0.seed));
        self.0.settle(now);
    }

    /// Takes a place if there is one now, without waiting.
    ///
    /// # Errors
    ///
    /// [`Overloaded`] when there is none for this criticality, or others wait already.
    #[inline]
    pub fn try_acquire(&self, class: Criticality, now: Instant) -> Result<Permit, Overloaded> {
        match self.0.core.try_take(class) {
            Take::Taken => Ok(self.permit(now)),
            Take::Full | Take::Behind => Err(self.overloaded(Reason::Limit)),
        }
    }

    /// Takes a place, or a place in the queue.
    #[inline]
    pub fn enter(&self, class: Criticality, now: Instant) -> Admission {
        match self.0.core.try_take(class) {
            Take::Taken => Admission::Admitted(self.permit(now)),
            Take::Full | Take::Behind => self.wait(class, now),
        }
    }

    #[cold]
    fn wait(&self, class: Criticality, now: Instant) -> Admission {
        let (waiter, told) = oneshot::channel();
        let entered = self.0.core.enqueue(now, class, waiter);
        self.0.deliver(entered.settled, now);
        match entered.ticket {
            Ok(ticket) => Admission::Waiting(Waiting::new(self.clone(), class, ticket, told, now)),
            Err(reason) => Admission::Refused(self.overloaded(reason)),
        }
    }

    /// Takes a place, waiting in the queue for it if there is a queue.
    ///
    /// # Errors
    ///
    /// [`Overloaded`] when the queue is full, or no place came free in time. Dropped while it waits, it leaves the queue.
    pub async fn acquire(&self, class: Criticality, now: Instant) -> Result<Permit, Overloaded> {
        match self.enter(class, now) {
            Admission::Admitted(permit) => Ok(permit),
            Admission::Waiting(waiting) => waiting.await,
            Admission::Refused(error) => Err(error),
        }
    }

    /// Takes a place whether there is one or not, and says what a limiter that acts would have had to say: dark mode.
    ///
    /// It queues nobody, so it says [`Reason::Limit`] also where one would have waited: more often than one that acts
    /// would turn away.
    #[inline]
    pub fn observe(&self, class: Criticality, now: Instant) -> (Permit, Option<Overloaded>) {
        let within = self.0.core.slots().take_anyway(class);
        let refused = (!within).then(|| self.overloaded(Reason::Limit));
        (self.permit(now), refused)
    }

    /// How many may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.0.core.slots().limit()
    }

    /// How many are in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.0.core.slots().in_flight()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.0.core.slots().waiting()
    }

    pub(super) fn permit(&self, now: Instant) -> Permit {
        Permit {
            limiter: self.0.clone(),
            since: now,
            measured: false,
            ended: None,
        }
    }

    pub(super) fn overloaded(&self, reason: Reason) -> Overloaded {
        Overloaded::new(reason, self.limit())
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.core.slots().fmt(f)
    }
}

impl Inner {
    fn settle(self: &Arc<Self>, now: Instant) {
        if self.core.slots().waiting() > 0 {
            self.deliver(self.core.settle(now), now);
        }
    }

    /// Tells those that wait what became of them. Without the lock: who went away meanwhile gives the permit back at once.
    fn deliver(self: &Arc<Self>, settled: Settled<Waiter>, now: Instant) {
        if settled.granted.is_empty() && settled.shed.is_empty() {
            return;
        }
        let limiter = Limiter(self.clone());
        for waiter in settled.granted {
            // Refused by a receiver that is gone, the permit is dropped here, which gives its place to the next.
            drop(waiter.send(Ok(limiter.permit(now))));
        }
        for (waiter, reason) in settled.shed {
            // Who is gone need not be told.
            drop(waiter.send(Err(limiter.overloaded(reason))));
        }
    }
}

/// How a request that had a place went, for the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was served: its latency counts.
    Success,
    /// It was lost to overload: it timed out, or was refused further down (429, 503, 504).
    Dropped,
    /// It says nothing about load: it failed at once for a reason of its own, or was cancelled.
    Ignored,
}

/// A place within the limit. Dropped, it gives the place back.
#[must_use = "dropped at once it limits nothing"]
pub struct Permit {
    limiter: Arc<Inner>,
    since: Instant,
    measured: bool,
    ended: Option<Instant>,
}

impl Permit {
    /// Tells how the request went, and keeps the place: for an answer whose body is still being sent. The first call counts.
    /// Answers the limit from now on when it moved.
    #[inline]
    pub fn record(&mut self, outcome: Outcome, now: Instant) -> Option<u32> {
        if std::mem::replace(&mut self.measured, true) || outcome == Outcome::Ignored {
            return None;
        }
        let rtt = now.saturating_duration_since(self.since);
        let dropped = outcome == Outcome::Dropped;
        let moved = self.limiter.core.record(rtt, dropped, now);
        if moved.is_some() {
            self.limiter.settle(now);
        }
        moved
    }

    /// It was served. Answers the limit from now on when it moved.
    #[inline]
    pub fn success(self, now: Instant) -> Option<u32> {
        self.end(Outcome::Success, now)
    }

    /// It was lost to overload. Answers the limit from now on when it moved.
    #[inline]
    pub fn dropped(self, now: Instant) -> Option<u32> {
        self.end(Outcome::Dropped, now)
    }

    /// It says nothing about load. The same as dropping the permit, without a look at the clock.
    pub fn ignored(self, now: Instant) {
        self.end(Outcome::Ignored, now);
    }

    #[inline]
    fn end(mut self, outcome: Outcome, now: Instant) -> Option<u32> {
        let moved = self.record(outcome, now);
        self.ended = Some(now);
        moved
    }

    /// How long it has been held.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if self.limiter.core.give_back() {
            // Only when somebody waits, and the one who held it did not say when it ended.
            let now = self.ended.unwrap_or_else(clock::now);
            self.limiter.settle(now);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("since", &self.since)
            .field("measured", &self.measured)
            .finish_non_exhaustive()
    }
}
