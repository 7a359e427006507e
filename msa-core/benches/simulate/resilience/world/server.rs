//! The server's side: its limit, the limit's queue, and its workers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use http::{Response, StatusCode};
use msa_core::problem::Problem;
use msa_core::resilience::limit::{Admission, Permit, Waiting};
use msa_core::txn::Criticality;

use super::{Attempt, Event, World};

/// Where in the server it is.
pub(super) enum Place {
    Waiting(Box<Waiting>),
    Queued(Option<Permit>),
    Working(Option<Permit>),
    Gone,
}

/// The numbers of the attempts that the limiter's queue told something.
pub(super) type Told = Arc<Mutex<Vec<usize>>>;

struct Bell {
    attempt: usize,
    told: Told,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        lock(&self.told).push(self.attempt);
    }
}

/// As the server's stack says it.
pub(super) fn shed() -> Response<()> {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE)
        .retry_after(Duration::from_secs(1))
        .never_retry();
    problem.into_response().map(drop)
}

impl World<'_> {
    /// A request comes in.
    pub(super) fn arrive(&mut self, attempt: usize) {
        let now = self.engine.now();
        let Some(limiter) = &self.limiter else {
            return self.queue(attempt, None);
        };
        match limiter.enter(Criticality::Default, now) {
            Admission::Admitted(permit) => self.queue(attempt, Some(permit)),
            Admission::Refused(_) => self.turn_away(attempt),
            Admission::Waiting(waiting) => {
                self.put(attempt, Place::Waiting(Box::new(waiting)));
                self.engine
                    .plan_in(self.longest_wait, Event::QueueTime(attempt));
                lock(&self.told).push(attempt); // it has to be asked once, to say whom to tell
            }
        }
    }

    /// Asks those of whom the limiter's queue has decided.
    pub(super) fn hear(&mut self) {
        loop {
            let told = std::mem::take(&mut *lock(&self.told));
            if told.is_empty() {
                return;
            }
            for attempt in told {
                let Some(Place::Waiting(waiting)) =
                    self.attempts.get_mut(attempt).map(|it| &mut it.place)
                else {
                    continue;
                };
                let told = Arc::clone(&self.told);
                let waker = Waker::from(Arc::new(Bell { attempt, told }));
                match waiting.poll_unpin(&mut Context::from_waker(&waker)) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(permit)) => self.queue(attempt, Some(permit)),
                    Poll::Ready(Err(_)) => {
                        self.put(attempt, Place::Gone);
                        self.turn_away(attempt);
                    }
                }
            }
        }
    }

    /// It has waited for as long as anybody may.
    pub(super) fn leave_queue(&mut self, attempt: usize) {
        let waits = |it: &Attempt| matches!(it.place, Place::Waiting(_));
        if self.attempts.get(attempt).is_some_and(waits) {
            self.put(attempt, Place::Gone);
            self.turn_away(attempt);
        }
    }

    fn queue(&mut self, attempt: usize, permit: Option<Permit>) {
        self.put(attempt, Place::Queued(permit));
        self.workers.queue(attempt);
    }

    pub(super) fn begin_work(&mut self) {
        while let Some(attempt) = self.workers.begin() {
            if let Place::Queued(permit) = self.put(attempt, Place::Gone) {
                self.put(attempt, Place::Working(permit));
            }
            let slowness = (self.load.slowness)(self.engine.seconds());
            let work = slowness * self.chance.between(0.005, 0.015);
            self.engine
                .plan_in(Duration::from_secs_f64(work), Event::Worked(attempt));
        }
    }

    pub(super) fn worked(&mut self, attempt: usize) {
        let Place::Working(permit) = self.put(attempt, Place::Gone) else {
            return; // dropped before
        };
        self.workers.done();
        if let Some(permit) = permit {
            permit.success(self.engine.now());
        }
        self.answer(attempt, Some(&Response::new(())));
    }

    /// The caller waits no longer.
    pub(super) fn give_up(&mut self, attempt: usize) {
        if self.attempts.get(attempt).is_none_or(|it| it.over) {
            return;
        }
        let now = self.engine.now();
        if self.equipment.deadlines {
            let permit = match self.put(attempt, Place::Gone) {
                Place::Waiting(_) | Place::Gone => None,
                Place::Queued(permit) => {
                    self.workers.forget(attempt);
                    permit
                }
                Place::Working(permit) => {
                    self.workers.done();
                    permit
                }
            };
            if let Some(permit) = permit {
                permit.dropped(now);
            }
        }
        self.answer(attempt, None);
    }

    fn put(&mut self, attempt: usize, place: Place) -> Place {
        match self.attempts.get_mut(attempt) {
            Some(attempt) => std::mem::replace(&mut attempt.place, place),
            None => Place::Gone,
        }
    }

    fn turn_away(&mut self, attempt: usize) {
        let shed = Arc::clone(&self.shed);
        self.answer(attempt, Some(&shed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
