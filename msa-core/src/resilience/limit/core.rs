//! The limiter without its waiting: counts, window, algorithm and queue, told the time and waking nobody.

use std::sync::PoisonError;
use std::time::Duration;

use super::codel::{Push, Queue};
use super::slots::{Slots, Take};
use super::window::{Window, nanos};
use super::{Estimator, LimitConfig, Reason};
use crate::clock::Instant;
use crate::sync::{Mutex, MutexGuard};
use crate::txn::Criticality;

/// `W` stands for who waits.
#[derive(Debug)]
pub(super) struct Core<W> {
    slots: Slots,
    window: Window,
    born: Instant,
    /// Taken by the one that closes a window, and when settings change.
    estimator: Mutex<Box<dyn Estimator>>,
    /// Taken only when a place is missing, or is given back while somebody waits.
    queue: Mutex<Queue<W>>,
}

/// What became of the queue: who has a place now, and who is turned away. To be told after the lock is released.
#[derive(Debug)]
#[must_use]
pub(super) struct Settled<W> {
    pub(super) granted: Vec<W>,
    pub(super) shed: Vec<(W, Reason)>,
}

/// What became of one that wanted to wait.
#[derive(Debug)]
#[must_use]
pub(super) struct Enqueued<W> {
    /// The ticket of one that waits, or has its place already: see what was settled. Else why it is turned away.
    pub(super) ticket: Result<u64, Reason>,
    pub(super) settled: Settled<W>,
}

impl<W> Core<W> {
    pub(super) fn new(config: &LimitConfig, estimator: Box<dyn Estimator>, now: Instant) -> Self {
        Self {
            slots: Slots::new(estimator.limit(), &config.shares),
            window: Window::new(config.window),
            born: now,
            estimator: Mutex::new(estimator),
            queue: Mutex::new(Queue::new(config.queue)),
        }
    }

    /// Takes over other settings, except for the window's; who is in stays in.
    pub(super) fn configure(&self, config: &LimitConfig, estimator: Box<dyn Estimator>) {
        {
            let mut current = lock(&self.estimator);
            self.slots.set_limit(estimator.limit());
            *current = estimator;
        }
        self.slots.set_shares(&config.shares);
        lock(&self.queue).configure(config.queue);
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(super) fn max_wait(&self) -> Duration {
        lock(&self.queue).config().max_wait
    }

    /// Takes a place if there is one and nobody waits for it.
    #[inline]
    pub(super) fn try_take(&self, class: Criticality) -> Take {
        self.slots.try_take(class)
    }

    /// Waits for a place. The same lock holds from the entry in the queue to the look at the places, and whoever gives one
    /// back after the entry sees it in the same word: a place and a waiter cannot miss each other.
    pub(super) fn enqueue(&self, now: Instant, class: Criticality, waiter: W) -> Enqueued<W> {
        let mut settled = Settled {
            granted: Vec::new(),
            shed: Vec::new(),
        };
        if self.slots.ceiling(class) == 0 {
            let ticket = Err(Reason::Limit);
            return Enqueued { ticket, settled };
        }
        let mut queue = lock(&self.queue);
        // Who has waited too long makes room first.
        if !queue.is_empty() {
            self.shed(&mut queue, now, &mut settled);
        }
        let ticket = match queue.push(now, class, waiter) {
            Push::Full(_) if queue.config().length == 0 => Err(Reason::Limit),
            Push::Full(_) => Err(Reason::QueueFull),
            Push::Queued { ticket, evicted } => {
                match evicted {
                    Some(waiter) => settled.shed.push((waiter, Reason::QueueFull)),
                    None => self.slots.wait(),
                }
                Ok(ticket)
            }
        };
        self.grant(&mut queue, now, &mut settled);
        Enqueued { ticket, settled }
    }

    /// Leaves the queue; false when it left before, with a place or without.
    pub(super) fn leave(&self, class: Criticality, ticket: u64) -> bool {
        let mut queue = lock(&self.queue);
        let found = queue.remove(class, ticket);
        if found.is_some() {
            self.slots.leave(1);
        }
        found.is_some()
    }

    /// Adds a measurement; answers the new limit when it moved.
    #[inline]
    pub(super) fn record(&self, rtt: Duration, dropped: bool, now: Instant) -> Option<u32> {
        self.window.add(rtt, self.slots.in_flight(), dropped);
        let life = nanos(now.saturating_duration_since(self.born));
        let sample = self.window.close(life)?;
        let mut estimator = lock(&self.estimator);
        let limit = estimator.update(&sample);
        let before = self.slots.limit();
        self.slots.set_limit(limit);
        (limit != before).then_some(limit)
    }

    /// Gives a place back; tells whether somebody waits, for [`settle`](Self::settle).
    #[inline]
    pub(super) fn give_back(&self) -> bool {
        self.slots.give_back()
    }

    /// Sheds who waited too long, and gives the free places to those that wait.
    pub(super) fn settle(&self, now: Instant) -> Settled<W> {
        let mut settled = Settled {
            granted: Vec::new(),
            shed: Vec::new(),
        };
        let mut queue = lock(&self.queue);
        self.shed(&mut queue, now, &mut settled);
        self.grant(&mut queue, now, &mut settled);
        settled
    }

    fn shed(&self, queue: &mut Queue<W>, now: Instant, settled: &mut Settled<W>) {
        let before = settled.shed.len();
        queue.shed(now, &mut settled.shed);
        let gone = settled.shed.len() - before;
        if gone > 0 {
            self.slots.leave(gone);
        }
    }

    fn grant(&self, queue: &mut Queue<W>, now: Instant, settled: &mut Settled<W>) {
        // When there is no place for the highest class there is none for the others: shares never fall with criticality.
        while let Some(class) = queue.highest() {
            if !self.slots.try_grant(class) {
                break;
            }
            settled.granted.extend(queue.pop(class));
        }
        if queue.is_empty() {
            // An empty queue does not stand: the law learns it now and not with the next one that waits.
            queue.shed(now, &mut settled.shed);
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done by a panic: each step under these locks is complete in itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
