//! Runs one check over and over.
//!
//! Each run is a task of its own: a panic ends that task and not the runner, and a check that blocks its thread cannot
//! keep the runner from noticing. Such a run cannot be stopped, so no second one is started beside it.

use std::sync::{Arc, PoisonError};

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time;

use super::check::{Check, CheckStatus, Kind, Latest};
use crate::clock;

pub(super) fn spawn(check: &Arc<Check>) -> AbortHandle {
    tokio::spawn(run(Arc::clone(check))).abort_handle()
}

async fn run(check: Arc<Check>) {
    let mut stuck = None;
    loop {
        let runs_still = stuck
            .as_ref()
            .is_some_and(|run: &AbortHandle| !run.is_finished());
        if !runs_still {
            stuck = run_once(&check).await;
        }
        let passed = check.passes(clock::now());
        if check.kind == Kind::Startup && passed {
            return;
        }
        time::sleep(check.interval).await;
    }
}

/// Runs the check once and keeps its result. Returns the run when it did not end in time.
async fn run_once(check: &Arc<Check>) -> Option<AbortHandle> {
    let started = clock::now();
    let mut run = Run({
        let check = Arc::clone(check);
        // The check's own code before its first await may panic as well, so it is called inside the task.
        tokio::spawn(async move { (check.run)().await })
    });
    let (status, late) = match time::timeout(check.timeout, &mut run.0).await {
        Ok(Ok(Ok(()))) => (CheckStatus::Passed, None),
        Ok(Ok(Err(reason))) => (CheckStatus::Failed(reason), None),
        Ok(Err(error)) if error.is_panic() => (CheckStatus::Failed("it panicked".into()), None),
        Ok(Err(_)) => (CheckStatus::Failed("the runtime ends".into()), None),
        Err(_) => {
            let reason = format!("no result within {:?}", check.timeout);
            (CheckStatus::Failed(reason), Some(run.0.abort_handle()))
        }
    };
    let now = clock::now();
    keep(
        check,
        Latest {
            status,
            at: Some(now),
            took: now.saturating_duration_since(started),
        },
    );
    late
}

/// A run that ends with its runner: replacing a check, or dropping the registry, leaves none behind.
struct Run(JoinHandle<Result<(), String>>);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps the result, and logs it when it differs from the one before.
fn keep(check: &Check, latest: Latest) {
    let before = {
        let mut kept = check.latest.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(
            &mut *kept,
            Latest {
                status: latest.status.clone(),
                ..latest
            },
        )
    };
    if before.status.as_str() == latest.status.as_str() {
        return;
    }
    let (name, kind) = (check.name.as_ref(), check.kind.as_str());
    match &latest.status {
        CheckStatus::Failed(reason) => {
            tracing::warn!(target: "msa::health", check = name, kind, %reason, "check failed");
        }
        // The first result of a healthy service is no news.
        _ if before.status == CheckStatus::Pending => {
            tracing::debug!(target: "msa::health", check = name, kind, "check passed");
        }
        _ => tracing::info!(target: "msa::health", check = name, kind, "check passed again"),
    }
}
