//! A breaker in the snapshot.

use serde::Serialize;

use super::super::super::circuits::Circuit;
use crate::clock::Instant;
use crate::resilience::breaker::{Reason, State};
use crate::resilience::window::{Counts, Window};

/// A breaker. Left out: what is as it is while nothing is wrong.
#[derive(Debug, Serialize)]
pub(super) struct CircuitRow {
    /// The state; none when it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    /// It only reports.
    #[serde(skip_serializing_if = "is_false")]
    dark: bool,
    /// For so long it has been in this state, or, unless it lets all calls through, not been closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    /// Why it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// In so much time it lets trial calls through.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<u64>,
    /// Calls judged, failed and slow ones of them.
    n: [u64; 3],
    /// Calls refused since the state was entered.
    #[serde(skip_serializing_if = "is_zero")]
    refused: u64,
    /// The window's buckets, the oldest first: ok, failed, slow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    w: Vec<[u64; 3]>,
    /// The window's length, with the buckets.
    #[serde(skip_serializing_if = "is_zero")]
    len: u64,
}

impl CircuitRow {
    /// `few` says that there are so few of them that each may show its window.
    pub(super) fn of(circuit: &Circuit, few: bool, now: Instant) -> Self {
        let breaker = &circuit.breaker;
        let metrics = breaker.metrics(now);
        let counts = metrics.counts;
        let is_closed = metrics.state == State::Closed;
        let tells = few || !is_closed || counts.failed > 0 || counts.slow > 0;
        let w: Vec<_> = match tells {
            true => breaker.buckets(now).iter().map(three).collect(),
            false => Vec::new(),
        };
        let len = match breaker.config().window {
            Window::Time { length, .. } if !w.is_empty() => millis(length),
            _ => 0,
        };
        let since = metrics
            .unwell_since
            .or(metrics.since)
            .map(|since| now.saturating_duration_since(since));
        let trial = metrics.trial_at.map(|at| at.saturating_duration_since(now));
        Self {
            s: (!is_closed).then(|| metrics.state.as_str()),
            dark: circuit.dark,
            since: since.map(millis),
            why: metrics.reason.map(Reason::as_str),
            trial: trial.map(millis),
            n: [counts.total(), counts.failed, counts.slow],
            refused: metrics.refused,
            w,
            len,
        }
    }
}

fn three(counts: &Counts) -> [u64; 3] {
    [counts.ok, counts.failed, counts.slow]
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
