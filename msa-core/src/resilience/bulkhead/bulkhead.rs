//! The core: how many run, how many wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::{Acquire, Full, Permit};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How many calls run and wait.
///
/// `max_concurrent` 0 lets nobody in. A queue of 0 refuses at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct BulkheadConfig {
    pub(super) max_concurrent: u32,
    pub(super) max_queue: u32,
    pub(super) max_wait: Option<Duration>,
}

impl Default for BulkheadConfig {
    /// 1024 calls, no queue.
    fn default() -> Self {
        Self {
            max_concurrent: 1024,
            max_queue: 0,
            max_wait: None,
        }
    }
}

impl BulkheadConfig {
    /// Calls at a time. Defaults to 1024.
    pub fn max_concurrent(mut self, calls: u32) -> Self {
        self.max_concurrent = calls;
        self
    }

    /// Calls that may wait for a permit. Defaults to 0: none.
    pub fn max_queue(mut self, calls: u32) -> Self {
        self.max_queue = calls;
        self
    }

    /// The longest that a call waits. Defaults to no limit of its own: the caller's deadline ends it.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// As `SemaphoreBulkhead` of resilience4j: any number of calls wait, each so long; without a wait none does.
    pub fn resilience4j(max_concurrent_calls: u32, max_wait: Duration) -> Self {
        let queue = if max_wait.is_zero() { 0 } else { u32::MAX };
        Self::default()
            .max_concurrent(max_concurrent_calls)
            .max_queue(queue)
            .max_wait(max_wait)
    }

    /// As `@Bulkhead` of MicroProfile Fault Tolerance: so many calls run; with `@Asynchronous` so many wait, as long as it takes.
    pub fn microprofile(value: u32, waiting_task_queue: u32) -> Self {
        Self::default()
            .max_concurrent(value)
            .max_queue(waiting_task_queue)
    }
}

/// Lets so many calls in at a time. Cheap to clone; clones share the permits.
#[derive(Clone)]
pub struct Bulkhead(pub(super) Arc<Shared>);

pub(super) struct Shared {
    /// How many run (low half) and wait (high half). The high half changes under the queue's lock only.
    pub(super) counts: AtomicU64,
    pub(super) max_concurrent: AtomicU32,
    max_queue: AtomicU32,
    /// In nanoseconds; `u64::MAX` is no limit.
    max_wait: AtomicU64,
    pub(super) queue: Queue,
}

/// One waiting call, in the word that holds both counts.
pub(super) const WAITING: u64 = 1 << 32;

pub(super) fn running(counts: u64) -> u32 {
    (counts & u64::from(u32::MAX)) as u32
}

pub(super) fn waiting(counts: u64) -> u32 {
    (counts >> 32) as u32
}

impl Bulkhead {
    /// A bulkhead that nobody is in.
    #[must_use]
    pub fn new(config: BulkheadConfig) -> Self {
        let this = Self(Arc::new(Shared {
            counts: AtomicU64::new(0),
            max_concurrent: AtomicU32::new(0),
            max_queue: AtomicU32::new(0),
            max_wait: AtomicU64::new(0),
            queue: Queue::new(),
        }));
        this.update(config);
        this
    }

    /// Changes the limits while calls run and wait.
    ///
    /// More permits go to those who wait. With fewer, nobody is thrown out: permits that come back are not given again until
    /// few enough run, and who waits already keeps the place.
    pub fn update(&self, config: BulkheadConfig) {
        let Shared {
            max_concurrent,
            max_queue,
            max_wait,
            ..
        } = &*self.0;
        let nanos = config.max_wait.map_or(u64::MAX, |wait| {
            u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)
        });
        max_wait.store(nanos, Ordering::Relaxed);
        max_queue.store(config.max_queue, Ordering::Relaxed);
        max_concurrent.store(config.max_concurrent, Ordering::SeqCst);
        self.0.serve_waiting();
    }

    /// The limits as they are.
    pub fn config(&self) -> BulkheadConfig {
        let wait = self.0.max_wait.load(Ordering::Relaxed);
        BulkheadConfig {
            max_concurrent: self.0.max_concurrent(),
            max_queue: self.0.max_queue.load(Ordering::Relaxed),
            max_wait: (wait != u64::MAX).then(|| Duration::from_nanos(wait)),
        }
    }

    /// Takes a permit if one is free and nobody waits for it. One compare-and-swap.
    ///
    /// # Errors
    ///
    /// [`Full::NoPermit`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Full> {
        if self.0.try_take() {
            Ok(Permit::new(&self.0))
        } else {
            Err(Full::NoPermit {
                max_concurrent: self.0.max_concurrent(),
            })
        }
    }

    /// Takes a permit, or waits for one as long as the configuration allows. `now` is when the wait begins.
    ///
    /// The future gives up its place, or the permit that it was given, when it is dropped.
    ///
    /// # Errors
    ///
    /// [`Full::NoPermit`] without a queue, [`Full::QueueFull`] at once, [`Full::Waited`] after the longest wait.
    #[inline]
    pub fn acquire(&self, now: Instant) -> Acquire<'_> {
        Acquire::new(&self.0, now)
    }

    /// Permits that are free.
    #[must_use]
    pub fn available(&self) -> u32 {
        self.0.max_concurrent().saturating_sub(self.running())
    }

    /// Calls that run: permits that are taken.
    #[must_use]
    pub fn running(&self) -> u32 {
        running(self.0.counts.load(Ordering::Acquire))
    }

    /// Calls that wait for a permit.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        waiting(self.0.counts.load(Ordering::Acquire))
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .field("config", &self.config())
            .finish()
    }
}

impl Shared {
    pub(super) fn max_concurrent(&self) -> u32 {
        self.max_concurrent.load(Ordering::Relaxed)
    }

    pub(super) fn max_queue(&self) -> u32 {
        self.max_queue.load(Ordering::Relaxed)
    }

    pub(super) fn max_wait(&self) -> Option<Duration> {
        let wait = self.max_wait.load(Ordering::Relaxed);
        (wait != u64::MAX).then(|| Duration::from_nanos(wait))
    }

    #[inline]
    pub(super) fn try_take(&self) -> bool {
        let limit = self.max_concurrent();
        let mut counts = self.counts.load(Ordering::Relaxed);
        // Nobody waiting and one more allowed, in one comparison: the waiting ones are the high bits.
        while counts < u64::from(limit) {
            match self.counts.compare_exchange_weak(
                counts,
                counts + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(seen) => counts = seen,
            }
        }
        false
    }

    /// Gives one permit back: to who waits longest, else to nobody.
    #[inline]
    pub(super) fn give_back(&self) {
        let mut counts = self.counts.load(Ordering::Relaxed);
        while counts < WAITING {
            match self.counts.compare_exchange_weak(
                counts,
                counts - 1,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(seen) => counts = seen,
            }
        }
        self.hand_over();
    }

    #[cold]
    fn hand_over(&self) {
        self.counts.fetch_sub(1, Ordering::AcqRel);
        self.serve_waiting();
    }
}
