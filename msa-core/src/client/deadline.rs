//! How long a call may take, and who said so.

use std::time::Duration;

use super::service::Limits;
use super::{CallError, CallErrorKind, CallOptions};
use crate::clock::Instant;

/// When a call must be over: the soonest of all that were set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    /// The call's own total timeout.
    Total(Duration),
    /// Whoever waits for this transaction stops waiting.
    Inherited,
}

impl Deadline {
    /// `request` is the timeout that was set on reqwest's builder, `inbound` the deadline of the transaction.
    pub(super) fn of(
        now: Instant,
        limits: &Limits,
        options: &CallOptions,
        request: Option<Duration>,
        inbound: Option<Instant>,
    ) -> Self {
        let total = options.get_timeout().unwrap_or(limits.timeout);
        let total = request.map_or(total, |request| request.min(total));
        let own = now.checked_add(total).unwrap_or_else(|| far(now));
        match inbound {
            Some(inbound) if inbound < own => Self {
                at: inbound,
                bound: Bound::Inherited,
            },
            _ => Self {
                at: own,
                bound: Bound::Total(total),
            },
        }
    }

    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// How long it still is.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Whether it is the caller's, not this call's own.
    pub(super) fn is_inherited(&self) -> bool {
        matches!(self.bound, Bound::Inherited)
    }

    pub(super) fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    /// It has passed.
    pub(super) fn error(&self) -> CallError {
        let kind = CallErrorKind::DeadlineExceeded;
        match self.bound {
            Bound::Total(total) => {
                let total = humantime::format_duration(total);
                CallError::new(
                    kind,
                    format!("no answer within the total timeout of {total}"),
                )
            }
            Bound::Inherited => CallError::new(
                kind,
                "the deadline that came with the request being served has passed",
            ),
        }
    }
}

/// A timeout too long to add means none at all; a day is as good.
fn far(now: Instant) -> Instant {
    now + Duration::from_secs(24 * 60 * 60)
}
