//! Failure accrual: when an endpoint that fails is taken for dead, and for how long.
//!
//! Finagle's policies: so many failures in a row, or a success rate, as an exponentially weighted moving average over a
//! window of requests or of time, below what is required; several at once, of which the longest time counts. Each time an
//! endpoint is found dead without having been revived in between, the next of its times is used. Once it is back, its
//! first success revives it: history and times begin anew.
//! <https://twitter.github.io/finagle/guide/Clients.html#failure-accrual>
//!
//! ```
//! use std::time::Duration;
//! use msa_core::balance::outlier::{Accrual, AccrualConfig, AccrualPolicy, AccrualRule, DeadTimes};
//! use msa_core::clock;
//!
//! let now = clock::now();
//! let rule = AccrualRule::Consecutive { failures: 2 };
//! let times = DeadTimes::listed([Duration::from_secs(5), Duration::from_secs(10)]);
//! let mut accrual = Accrual::new(&AccrualConfig::new(AccrualPolicy::new(rule, times)), now);
//! assert_eq!(accrual.failure(now), None);
//! assert_eq!(accrual.failure(now), Some(Duration::from_secs(5)));
//! // Back after 5 s, and failing again.
//! assert_eq!(accrual.failure(now), Some(Duration::from_secs(10)));
//! accrual.revived(now);
//! assert_eq!(accrual.failure(now), None);
//! ```

mod average;
mod recent;
mod times;

pub use times::DeadTimes;

use std::time::Duration;

use average::Average;
use recent::Recent;

use crate::clock::Instant;

/// The policies of an endpoint's failure accrual: whichever finds it dead.
#[derive(Debug, Clone, PartialEq)]
pub struct AccrualConfig {
    policies: Vec<AccrualPolicy>,
}

impl AccrualConfig {
    /// This one.
    #[must_use]
    pub fn new(policy: AccrualPolicy) -> Self {
        Self {
            policies: vec![policy],
        }
    }

    /// This one beside the others: all are told of every answer, and of those that find the endpoint dead at the same
    /// failure the longest time counts.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.policies.extend(other.policies);
        self
    }
}

/// When an endpoint is dead, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct AccrualPolicy {
    rule: AccrualRule,
    times: DeadTimes,
}

impl AccrualPolicy {
    /// Dead by this rule, for these times.
    #[must_use]
    pub fn new(rule: AccrualRule, times: DeadTimes) -> Self {
        Self { rule, times }
    }
}

/// When an endpoint is dead.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum AccrualRule {
    /// So many failures without a success between them, and every further one.
    Consecutive {
        /// How many.
        failures: u32,
    },
    /// The moving average of successes over so many requests is below what is required.
    SuccessRate {
        /// The success rate that it must have, from 0 to 1.
        required: f64,
        /// The window; nothing is judged before so many requests.
        requests: u32,
    },
    /// The moving average of successes over a time is below what is required.
    SuccessRateOver {
        /// The success rate that it must have, from 0 to 1.
        required: f64,
        /// The window; nothing is judged before it has passed once.
        window: Duration,
        /// Nor with fewer requests in the window; 0 for any.
        min_requests: u32,
    },
}

/// The failure accrual of one endpoint.
#[derive(Debug)]
pub struct Accrual(Vec<Policy>);

impl Accrual {
    /// A fresh one, for an endpoint that is known since `now`.
    #[must_use]
    pub fn new(config: &AccrualConfig, now: Instant) -> Self {
        let policies = config.policies.iter();
        Self(policies.map(|policy| Policy::new(policy, now)).collect())
    }

    /// A request succeeded.
    pub fn success(&mut self, now: Instant) {
        for policy in &mut self.0 {
            policy.history.success(now);
        }
    }

    /// A request failed. Tells for how long the endpoint is dead, if it is.
    pub fn failure(&mut self, now: Instant) -> Option<Duration> {
        // Every policy is told, so no `find_map`.
        let dead = self.0.iter_mut().filter_map(|policy| policy.failure(now));
        dead.fold(None, |longest, time| longest.max(Some(time)))
    }

    /// The endpoint works again: forget all.
    pub fn revived(&mut self, now: Instant) {
        for policy in &mut self.0 {
            policy.history = History::new(&policy.rule, now);
            policy.found_dead = 0;
        }
    }
}

#[derive(Debug)]
struct Policy {
    rule: AccrualRule,
    times: DeadTimes,
    history: History,
    /// How often since it was last revived.
    found_dead: usize,
}

impl Policy {
    fn new(policy: &AccrualPolicy, now: Instant) -> Self {
        Self {
            rule: policy.rule,
            times: policy.times.clone(),
            history: History::new(&policy.rule, now),
            found_dead: 0,
        }
    }

    fn failure(&mut self, now: Instant) -> Option<Duration> {
        let dead = self.history.failure(&self.rule, now);
        dead.then(|| {
            let time = self.times.nth(self.found_dead);
            self.found_dead = self.found_dead.saturating_add(1);
            time
        })
    }
}

#[derive(Debug)]
enum History {
    Failures(u32),
    Requests {
        count: u64,
        average: Average,
    },
    Time {
        since: Instant,
        average: Average,
        recent: Recent,
    },
}

impl History {
    fn new(rule: &AccrualRule, now: Instant) -> Self {
        match *rule {
            AccrualRule::Consecutive { .. } => Self::Failures(0),
            AccrualRule::SuccessRate { requests, .. } => Self::Requests {
                count: 0,
                average: Average::over(requests.into()),
            },
            AccrualRule::SuccessRateOver { window, .. } => Self::Time {
                since: now,
                average: Average::over(window.as_secs_f64()),
                recent: Recent::new(window, now),
            },
        }
    }

    fn success(&mut self, now: Instant) {
        match self {
            Self::Failures(count) => *count = 0,
            rate => {
                rate.record(1.0, now);
            }
        }
    }

    /// Whether the endpoint is dead.
    fn failure(&mut self, rule: &AccrualRule, now: Instant) -> bool {
        if let Self::Failures(count) = self {
            *count = count.saturating_add(1);
        }
        let rate = self.record(0.0, now);
        match (rule, self) {
            (AccrualRule::Consecutive { failures }, Self::Failures(count)) => *count >= *failures,
            (AccrualRule::SuccessRate { required, requests }, Self::Requests { count, .. }) => {
                *count >= u64::from(*requests) && rate < *required
            }
            (
                AccrualRule::SuccessRateOver {
                    required,
                    window,
                    min_requests,
                },
                Self::Time { since, recent, .. },
            ) => {
                now.saturating_duration_since(*since) >= *window
                    && rate < *required
                    && recent.count() >= u64::from(*min_requests)
            }
            // A history is always made from its rule.
            _ => false,
        }
    }

    /// One more request, and the success rate with it.
    // Casts: the average of 2^53 requests has long forgotten the first
    fn record(&mut self, value: f64, now: Instant) -> f64 {
        match self {
            Self::Failures(_) => value,
            Self::Requests { count, average } => {
                *count = count.saturating_add(1);
                average.record(*count as f64, value)
            }
            Self::Time {
                since,
                average,
                recent,
            } => {
                recent.add(now);
                average.record(now.saturating_duration_since(*since).as_secs_f64(), value)
            }
        }
    }
}

#[cfg(test)]
mod tests;
