//! The future of one that waits in the queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep_until};

use super::{Limiter, Overloaded, Permit, Reason};
use crate::clock::Instant;
use crate::txn::Criticality;

/// Waits for a place within the limit. Dropped, it leaves the queue.
#[must_use = "futures do nothing unless polled"]
pub struct Waiting {
    limiter: Limiter,
    class: Criticality,
    ticket: u64,
    told: oneshot::Receiver<Result<Permit, Overloaded>>,
    /// The queue sheds who waited too long when something happens; nothing may happen for long.
    until: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    pub(super) fn new(
        limiter: Limiter,
        class: Criticality,
        ticket: u64,
        told: oneshot::Receiver<Result<Permit, Overloaded>>,
        now: Instant,
    ) -> Self {
        Self {
            until: now.checked_add(limiter.0.core.max_wait()),
            limiter,
            class,
            ticket,
            told,
            sleep: None,
        }
    }

    /// Waits until this time at most, however much longer the configuration allows: the deadline of who waits.
    pub fn no_later_than(mut self, at: Instant) -> Self {
        self.until = self.until.into_iter().chain([at]).min();
        self
    }
}

impl Future for Waiting {
    type Output = Result<Permit, Overloaded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(told) = Pin::new(&mut this.told).poll(cx) {
            // The other end is told before it is dropped; were it not, there is no place.
            return Poll::Ready(
                told.unwrap_or_else(|_| Err(this.limiter.overloaded(Reason::QueueTime))),
            );
        }
        let Some(until) = this.until else {
            return Poll::Pending;
        };
        let sleep = this
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if this.limiter.0.core.leave(this.class, this.ticket) {
            return Poll::Ready(Err(this.limiter.overloaded(Reason::QueueTime)));
        }
        // It left the queue in this very moment: what it is told is on its way.
        this.until = None;
        Pin::new(&mut this.told)
            .poll(cx)
            .map(|told| told.unwrap_or_else(|_| Err(this.limiter.overloaded(Reason::QueueTime))))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Told already, it is in the queue no longer; a permit that was sent is dropped with the channel.
        if !self.told.is_terminated() {
            self.limiter.0.core.leave(self.class, self.ticket);
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("class", &self.class)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
