//! The one timer of a connection and its watch on the drain.
//!
//! A connection's task is woken for each request. Polling a timer and a `Notify` each time would take their locks each
//! time, so both are polled once, to leave the task's waker there, and then only looked at: an atomic each.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use pin_project_lite::pin_project;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep_until};

use super::tracker::{Stage, Tracker};
use crate::clock::Instant;

pin_project! {
    pub(super) struct Alarm {
        #[pin]
        timer: Sleep,
        #[pin]
        changed: OwnedNotified,
        seen: (Stage, bool),
        // Whom timer and watch will wake; `None` when one of them must be polled again.
        waker: Option<Waker>,
    }
}

impl Alarm {
    pub(super) fn new(at: Instant, tracker: &Tracker) -> Self {
        let changed = Arc::clone(&tracker.changed).notified_owned();
        Self {
            timer: sleep_until(at),
            changed,
            seen: tracker.stage_and_told(),
            waker: None,
        }
    }

    /// Moves the timer.
    pub(super) fn set(self: Pin<&mut Self>, at: Instant) {
        let this = self.project();
        this.timer.reset(at);
        *this.waker = None;
    }

    /// Sees to it that the task is woken, and returns the stage and whether the timer has fired.
    #[inline]
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        tracker: &Tracker,
    ) -> (Stage, bool) {
        let known = self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()));
        if !known || tracker.stage_and_told() != self.seen || !self.seen.1 {
            self.as_mut().register(cx, tracker);
        }
        (self.seen.0, self.timer.is_elapsed())
    }

    fn register(self: Pin<&mut Self>, cx: &mut Context<'_>, tracker: &Tracker) {
        let mut this = self.project();
        *this.waker = Some(cx.waker().clone());
        // A task out of its cooperative budget would be told "pending" without being registered.
        if Pin::new(&mut tokio::task::unconstrained(this.timer))
            .poll(cx)
            .is_ready()
        {
            // Seen by `is_elapsed`; whoever asked sets it anew.
        }
        while Pin::new(&mut tokio::task::unconstrained(this.changed.as_mut()))
            .poll(cx)
            .is_ready()
        {
            this.changed
                .set(Arc::clone(&tracker.changed).notified_owned());
        }
        // Read after the watch is laid: a change in between wakes the task.
        *this.seen = tracker.stage_and_told();
    }
}
