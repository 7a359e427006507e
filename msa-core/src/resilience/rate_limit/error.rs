//! Why a call got no permit.

use std::time::Duration;

use super::Quota;
use crate::config::Span;

/// The rate is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(*retry_after))]
#[non_exhaustive]
pub struct Limited {
    /// When to try again; `None` when the limit can never let so much through.
    pub retry_after: Option<Duration>,
    /// What the limit allows.
    pub quota: Quota,
}

fn describe(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!(
            "the rate limit is used up; try again in {}",
            Span::new(wait)
        ),
        None => "the rate limit never lets so much through at once".to_owned(),
    }
}
