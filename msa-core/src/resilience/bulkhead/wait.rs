//! Waiting for a permit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::bulkhead::Shared;
use super::queue::{Place, Ticket};
use super::{Full, Permit};
use crate::clock::Instant;

pin_project! {
    /// Waits for a permit; made by [`Bulkhead::acquire`](super::Bulkhead::acquire).
    #[must_use = "nothing is acquired until it is polled"]
    pub struct Acquire<'a> {
        place: InLine<'a>,
        began: Instant,
        latest: Option<Instant>,
        // Armed by the first poll that has to wait.
        #[pin]
        timer: Option<Sleep>,
    }
}

/// A waiter that leaves the line, or passes on its permit, when it is dropped.
struct InLine<'a> {
    shared: &'a Arc<Shared>,
    ticket: Option<Ticket>,
}

impl<'a> Acquire<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, began: Instant) -> Self {
        Self {
            place: InLine {
                shared,
                ticket: None,
            },
            began,
            latest: None,
            timer: None,
        }
    }

    /// Waits until this time at most, however much longer the configuration allows: the deadline of who waits.
    pub fn no_later_than(mut self, at: Instant) -> Self {
        self.latest = Some(at);
        self
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<Permit<'a>, Full>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = this.place.shared;
        match this.place.ticket {
            None => {
                if shared.try_take() {
                    return Poll::Ready(Ok(Permit::new(shared)));
                }
                match shared.enqueue(cx.waker()) {
                    Place::Permit => return Poll::Ready(Ok(Permit::new(shared))),
                    Place::None => return Poll::Ready(Err(refusal(shared))),
                    Place::Waits(ticket) => this.place.ticket = Some(ticket),
                }
                let until = shared
                    .max_wait()
                    .and_then(|wait| this.began.checked_add(wait));
                let until = until.into_iter().chain(*this.latest).min();
                this.timer.set(until.map(sleep_until));
            }
            Some(ticket) => {
                if shared.was_served(ticket, cx.waker()) {
                    this.place.ticket = None;
                    return Poll::Ready(Ok(Permit::new(shared)));
                }
            }
        }
        let Some(timer) = this.timer.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let deadline = timer.deadline();
        if timer.poll(cx).is_pending() {
            return Poll::Pending;
        }
        let served_just_now = this.place.ticket.take().is_some_and(|t| !shared.leave(t));
        Poll::Ready(if served_just_now {
            Ok(Permit::new(shared))
        } else {
            Err(Full::Waited {
                waited: deadline.saturating_duration_since(*this.began),
            })
        })
    }
}

#[cold]
fn refusal(shared: &Shared) -> Full {
    let max_concurrent = shared.max_concurrent();
    match shared.max_queue() {
        0 => Full::NoPermit { max_concurrent },
        max_queue => Full::QueueFull {
            max_concurrent,
            max_queue,
        },
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket
            && !self.shared.leave(ticket)
        {
            self.shared.give_back();
        }
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("waits", &self.place.ticket.is_some())
            .finish_non_exhaustive()
    }
}
