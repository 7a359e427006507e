//! For how long an endpoint is dead.

use std::sync::Arc;
use std::time::Duration;

/// After the last of a list of times, as in Finagle.
const AFTERWARDS: Duration = Duration::from_secs(300);

/// For how long an endpoint is dead: the first time, the second time in a row, and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadTimes(Times);

#[derive(Debug, Clone, PartialEq)]
enum Times {
    Constant(Duration),
    Listed(Arc<[Duration]>),
    Growing {
        first: Duration,
        factor: f64,
        most: Duration,
    },
}

impl DeadTimes {
    /// Always as long.
    #[must_use]
    pub fn constant(time: Duration) -> Self {
        Self(Times::Constant(time))
    }

    /// One after the other, and then 300 s each time.
    #[must_use]
    pub fn listed(times: impl IntoIterator<Item = Duration>) -> Self {
        Self(Times::Listed(times.into_iter().collect()))
    }

    /// Each `factor` times as long as the one before (at least as long), up to `most`.
    #[must_use]
    pub fn growing(first: Duration, factor: f64, most: Duration) -> Self {
        Self(Times::Growing {
            first,
            factor: factor.max(1.0), // and what is no number is 1
            most: most.max(first),
        })
    }

    pub(super) fn nth(&self, n: usize) -> Duration {
        match &self.0 {
            Times::Constant(time) => *time,
            Times::Listed(times) => times.get(n).copied().unwrap_or(AFTERWARDS),
            Times::Growing {
                first,
                factor,
                most,
            } => {
                let power = i32::try_from(n).unwrap_or(i32::MAX);
                let grown = first.as_secs_f64() * factor.powi(power);
                Duration::try_from_secs_f64(grown).map_or(*most, |time| time.min(*most))
            }
        }
    }
}
