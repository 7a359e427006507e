//! Work under a deadline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::{coop::Unconstrained, coop::unconstrained};
use tokio::time::{Sleep, sleep_until};

use super::{Deadline, Elapsed, inherited};

pin_project! {
    /// A future that is dropped when its deadline passes; made by [`Deadline::guard`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<F> {
        // None once the deadline has passed: what is late is dropped at once, not when somebody drops this.
        #[pin]
        work: Option<F>,
        deadline: Option<Deadline>,
        // Unconstrained: busy work that uses up the task's budget in each poll must not keep its own timer from firing.
        #[pin]
        timer: Option<Unconstrained<Sleep>>,
    }
}

impl<F> Guarded<F> {
    #[inline]
    pub(in crate::resilience) fn new(work: F, deadline: Option<Deadline>) -> Self {
        Self {
            work: Some(work),
            deadline,
            timer: None,
        }
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(deadline) = *this.deadline else {
            return match this.work.as_pin_mut() {
                Some(work) => work.poll(cx).map(Ok),
                None => Poll::Pending, // it goes by a deadline only
            };
        };
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(deadline.elapsed()));
        };
        let around = inherited::enter(deadline.at());
        let answer = work.poll(cx);
        drop(around);
        if let Poll::Ready(answer) = answer {
            return Poll::Ready(Ok(answer));
        }
        if this.timer.is_none() {
            let timer = sleep_until(deadline.at());
            this.timer.set(Some(unconstrained(timer)));
        }
        match this.timer.as_pin_mut().map(|timer| timer.poll(cx)) {
            Some(Poll::Ready(())) => {
                this.work.set(None);
                Poll::Ready(Err(deadline.elapsed()))
            }
            _ => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for Guarded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("deadline", &self.deadline)
            .field("over", &self.work.is_none())
            .finish_non_exhaustive()
    }
}
