//! Who waits, in the order they came.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::task::Waker;

use super::bulkhead::{Shared, WAITING, running, waiting};
use crate::sync::atomic::Ordering;
use crate::sync::{Mutex, MutexGuard};

/// A waiter's number; later ones are higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// Those who wait. A ticket that is no longer in it was given a permit.
pub(super) struct Queue(Mutex<Waiters>);

struct Waiters {
    next: u64,
    line: VecDeque<(Ticket, Waker)>,
}

/// What came of asking for a place.
pub(super) enum Place {
    /// A permit was free after all.
    Permit,
    /// In the line.
    Waits(Ticket),
    /// The line is full.
    None,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Waiters {
            next: 0,
            line: VecDeque::new(),
        }))
    }

    /// No code of others runs under the lock, so a poisoned one is as good as new.
    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Takes a permit or a place in the line.
    pub(super) fn enqueue(&self, waker: &Waker) -> Place {
        let waker = waker.clone();
        let mut waiters = self.queue.lock();
        let mut counts = self.counts.load(Ordering::Relaxed);
        loop {
            let free = counts < u64::from(self.max_concurrent());
            if !free && waiting(counts) >= self.max_queue() {
                return Place::None;
            }
            let next = counts + if free { 1 } else { WAITING };
            match self.counts.compare_exchange_weak(
                counts,
                next,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) if free => return Place::Permit,
                Ok(_) => break,
                Err(seen) => counts = seen,
            }
        }
        let ticket = Ticket(waiters.next);
        waiters.next += 1;
        waiters.line.push_back((ticket, waker));
        Place::Waits(ticket)
    }

    /// Whether a waiter has its permit; if not, this waker is woken when it has.
    pub(super) fn was_served(&self, ticket: Ticket, waker: &Waker) -> bool {
        let mut waiters = self.queue.lock();
        let Ok(at) = waiters.position(ticket) else {
            return true;
        };
        if let Some((_, kept)) = waiters.line.get_mut(at) {
            kept.clone_from(waker);
        }
        false
    }

    /// A waiter goes away. `false` when it had been given a permit, which it must now give back.
    pub(super) fn leave(&self, ticket: Ticket) -> bool {
        let mut waiters = self.queue.lock();
        let Ok(at) = waiters.position(ticket) else {
            return false;
        };
        let left = waiters.line.remove(at);
        self.counts.fetch_sub(WAITING, Ordering::AcqRel);
        drop(waiters);
        drop(left); // a waker's drop is somebody else's code
        true
    }

    /// Gives free permits to those who wait.
    pub(super) fn serve_waiting(&self) {
        let mut waiters = self.queue.lock();
        loop {
            let counts = self.counts.load(Ordering::SeqCst);
            let limit = self.max_concurrent.load(Ordering::SeqCst);
            if waiting(counts) == 0 || running(counts) >= limit {
                return;
            }
            // While somebody waits, `running` grows under this lock only, so the permit is still free.
            self.counts.fetch_sub(WAITING - 1, Ordering::AcqRel);
            let first = waiters.line.pop_front();
            drop(waiters);
            if let Some((_, waker)) = first {
                waker.wake();
            }
            waiters = self.queue.lock();
        }
    }
}

impl Waiters {
    fn position(&self, ticket: Ticket) -> Result<usize, usize> {
        self.line
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
    }
}
