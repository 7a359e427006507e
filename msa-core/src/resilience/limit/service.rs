//! A service behind a limit.

use std::task::{Context, Poll};

use tower::Service;

use super::future::LimitFuture;
use super::guard::{Entry, LimitGuard};
use super::{Outcome, Overloaded};
use crate::clock;
use crate::resilience::timeout::Deadline;
use crate::txn::{self, Txn};

/// A service behind a limit; [`LimitLayer`](super::LimitLayer) makes it.
///
/// Each call has the [criticality](crate::txn::Criticality) of the current transaction. The place is held until the call's
/// future ends: for bodies that outlive it, take a permit of the [`LimitGuard`] and a [`PermitBody`](super::PermitBody).
#[derive(Debug, Clone)]
pub struct LimitService<S, C = ByResult> {
    inner: S,
    guard: LimitGuard,
    classify: C,
}

impl<S, C> LimitService<S, C> {
    pub(super) const fn new(inner: S, guard: LimitGuard, classify: C) -> Self {
        Self {
            inner,
            guard,
            classify,
        }
    }
}

/// Says what a call's end tells about load.
pub trait Classify<T, E> {
    /// What it tells.
    fn classify(&self, result: &Result<T, E>) -> Outcome;
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(&Result<T, E>) -> Outcome,
{
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

/// `Ok` is a success; an error says nothing about load.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByResult;

impl<T, E> Classify<T, E> for ByResult {
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Ignored,
        }
    }
}

/// A call through a [`LimitService`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError<E> {
    /// There was no place for it; it was not made.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// It was made and failed.
    #[error(transparent)]
    Failed(E),
}

impl<S, C, Req> Service<Req> for LimitService<S, C>
where
    S: Service<Req> + Clone,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = LimitError<S::Error>;
    type Future = LimitFuture<S, C, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(LimitError::Failed)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let class = txn::with_current(Txn::criticality).unwrap_or_default();
        let (guard, classify) = (self.guard.clone(), self.classify.clone());
        let now = clock::now();
        match self.guard.enter(class, now) {
            Entry::Free => LimitFuture::running(self.inner.call(request), None, guard, classify),
            Entry::Admitted(permit) => {
                LimitFuture::running(self.inner.call(request), Some(permit), guard, classify)
            }
            Entry::Refused(error) => LimitFuture::refused(error, guard, classify),
            Entry::Waiting(mut waiting) => {
                if let Some(deadline) = Deadline::inherited(now) {
                    waiting = waiting.no_later_than(deadline.at());
                }
                // The one that is ready goes along; its clone has to become ready by itself.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                LimitFuture::waiting(waiting, class, (ready, request), guard, classify)
            }
        }
    }
}
