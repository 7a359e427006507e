//! New tasks that stay in the transaction.

use std::fmt;
use std::future::Future;

use futures_util::future::Either;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tracing::Instrument as _;

use super::{current, scope, sync_scope};

/// [`tokio::spawn`], with the new task inside the current transaction and span, `tracing`'s and OpenTelemetry's.
///
/// # Panics
///
/// Outside of a tokio runtime, as tokio's own does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(carrying(future))
}

/// [`tokio::task::spawn_blocking`], with the closure inside the current transaction and span, `tracing`'s and OpenTelemetry's.
///
/// # Panics
///
/// Outside of a tokio runtime, as tokio's own does.
#[track_caller]
pub fn spawn_blocking<F, R>(run: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    tokio::task::spawn_blocking(carrying_sync(run))
}

fn carrying<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let future = match current() {
        Some(txn) => Either::Left(scope(txn, future)),
        None => Either::Right(future),
    };
    recorded::carrying(future.in_current_span())
}

fn carrying_sync<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let (txn, span) = (current(), tracing::Span::current());
    recorded::carrying_sync(move || {
        span.in_scope(|| match txn {
            Some(txn) => sync_scope(txn, run),
            None => run(),
        })
    })
}

/// The span that is recorded around, which is none of `tracing`'s: a request's or a call's own. Outermost, for a span of `tracing`'s lies
/// within.
#[cfg(feature = "otel")]
mod recorded {
    use opentelemetry::Context;
    use opentelemetry::context::FutureExt as _;

    pub(super) fn carrying<F: Future>(future: F) -> impl Future<Output = F::Output> {
        future.with_current_context()
    }

    pub(super) fn carrying_sync<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
        let context = Context::current();
        move || {
            let _inside = context.attach();
            run()
        }
    }
}

#[cfg(not(feature = "otel"))]
mod recorded {
    pub(super) fn carrying<F: Future>(future: F) -> F {
        future
    }

    pub(super) fn carrying_sync<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
        run
    }
}

/// [`tokio::task::JoinSet`], with every task inside the transaction and the span that were current when it was spawned.
pub struct JoinSet<T>(tokio::task::JoinSet<T>);

impl<T: 'static> JoinSet<T> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self(tokio::task::JoinSet::new())
    }

    /// Spawns a task into the set.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as tokio's own does.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.0.spawn(carrying(future))
    }

    /// Spawns blocking code into the set.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as tokio's own does.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, run: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.0.spawn_blocking(carrying_sync(run))
    }

    /// Waits for the next task to end; `None` when the set is empty. Safe to cancel.
    ///
    /// # Errors
    ///
    /// The task panicked or was aborted.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.join_next().await
    }

    /// A task that has ended already.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.try_join_next()
    }

    /// Aborts all tasks; they still have to be joined.
    pub fn abort_all(&mut self) {
        self.0.abort_all();
    }

    /// Aborts all tasks and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.0.shutdown().await;
    }

    /// Lets the tasks go on without the set.
    pub fn detach_all(&mut self) {
        self.0.detach_all();
    }

    /// How many tasks have not been joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all tasks have been joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: 'static> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinSet").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::{Gtxid, Txn};

    fn here() -> Option<Gtxid> {
        current().map(|txn| *txn.gtxid())
    }

    #[tokio::test]
    async fn every_kind_of_new_task_stays_in_the_transaction() {
        let txn = Txn::begin();
        let expected = Some(*txn.gtxid());
        scope(txn, async move {
            assert_eq!(spawn(async { here() }).await.unwrap(), expected);
            assert_eq!(spawn_blocking(here).await.unwrap(), expected);
            let mut set = JoinSet::new();
            set.spawn(async { here() });
            set.spawn_blocking(here);
            assert_eq!(set.join_next().await.unwrap().unwrap(), expected);
            assert_eq!(set.join_next().await.unwrap().unwrap(), expected);
            assert_eq!(
                tokio::spawn(async { here() }).await.unwrap(),
                None,
                "tokio's own does not carry it"
            );
        })
        .await;
    }

    #[tokio::test]
    async fn without_a_transaction_they_are_tokios_own() {
        assert_eq!(spawn(async { here() }).await.unwrap(), None);
        assert_eq!(spawn_blocking(here).await.unwrap(), None);
    }
}
