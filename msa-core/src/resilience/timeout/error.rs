//! The time is over.

use std::time::Duration;

use super::Limit;
use crate::config::Span;

/// A time limit passed, and the work under it was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(*limit, *after))]
#[non_exhaustive]
pub struct Elapsed {
    /// Which limit it was.
    pub limit: Limit,
    /// How long it was; for [`Limit::Deadline`] what was left of it when the work began.
    pub after: Duration,
}

fn describe(limit: Limit, after: Duration) -> String {
    let after = Span::new(after);
    match limit {
        Limit::Attempt => format!("no answer within the attempt timeout of {after}"),
        Limit::Total => format!("no answer within the total timeout of {after}"),
        Limit::Deadline if after.is_zero() => {
            "the deadline of whoever waits for this had passed before it began".to_owned()
        }
        Limit::Deadline => {
            format!(
                "no answer within the {after} that were left to the deadline of whoever waits for this"
            )
        }
    }
}
