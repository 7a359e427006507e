//! The transaction of the running task.

use std::future::Future;

use tokio::task::futures::TaskLocalFuture;

use super::Txn;

tokio::task_local! {
    static CURRENT: Txn;
}

/// The transaction that the running task belongs to.
///
/// `None` outside of a request, and inside a task that was not spawned by [`spawn`](super::spawn) or its siblings.
#[must_use]
pub fn current() -> Option<Txn> {
    with_current(Txn::clone)
}

/// Looks at the current transaction without cloning it.
pub fn with_current<R>(look: impl FnOnce(&Txn) -> R) -> Option<R> {
    CURRENT.try_with(look).ok()
}

/// Runs a future inside a transaction.
pub fn scope<F: Future>(txn: Txn, future: F) -> TaskLocalFuture<Txn, F> {
    CURRENT.scope(txn, future)
}

/// Runs a closure inside a transaction.
pub fn sync_scope<R>(txn: Txn, run: impl FnOnce() -> R) -> R {
    CURRENT.sync_scope(txn, run)
}
