//! `client.breaker`: when an endpoint is not called any more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Span};

/// The circuit breaker of each endpoint: [`breaker`](crate::resilience::breaker).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// Whether it decides and reports, but refuses nothing.
    pub dark: bool,
    /// How far back it looks.
    #[schemars(extend("x-msa-min" = "10ms"))]
    pub window: Span,
    /// In how many equal buckets the window is counted.
    #[schemars(range(min = 1, max = 1000))]
    pub buckets: u32,
    /// Looks at the last so many calls instead of `window`, whenever they were; 0 is off.
    #[schemars(range(max = 100_000))]
    pub window_calls: u32,
    /// The share of failures that opens it.
    #[schemars(extend("x-msa-min" = "0.1%"))]
    pub failure_rate: Percent,
    /// How many calls the window must hold before a share of them opens it.
    #[schemars(range(min = 1))]
    pub min_calls: u32,
    /// A call that takes so long or longer is slow; `0s` is off.
    pub slow_after: Span,
    /// The share of slow calls that opens it.
    #[schemars(extend("x-msa-min" = "0.1%"))]
    pub slow_rate: Percent,
    /// Failures of any kind in a row that open it; 0 is off.
    #[schemars(range(max = 65_535))]
    pub consecutive_failures: u32,
    /// Failures to connect in a row that open it; 0 is off.
    #[schemars(range(max = 65_535))]
    pub consecutive_connect_failures: u32,
    /// For how long it opens the first time; each further time in a row doubles it.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub open: Span,
    /// The longest it opens for, before jitter.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub max_open: Span,
    /// How much longer it may stay open by chance.
    pub jitter: Percent,
    /// Trial calls that are let through when the open time is over; all must succeed to close it.
    #[schemars(range(min = 1, max = 1000))]
    pub trials: u32,
    /// How many of them may run at the same time.
    #[schemars(range(min = 1, max = 1000))]
    pub trials_at_once: u32,
    /// Trial calls that do not end within this time open it again; `0s` is off.
    pub max_trial_wait: Span,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            dark: false,
            window: Span::secs(10),
            buckets: 10,
            window_calls: 0,
            failure_rate: Percent::new(50),
            min_calls: 20,
            slow_after: Span::ZERO,
            slow_rate: Percent::ALL,
            consecutive_failures: 0,
            consecutive_connect_failures: 5,
            open: Span::secs(5),
            max_open: Span::secs(60),
            jitter: Percent::new(10),
            trials: 3,
            trials_at_once: 3,
            max_trial_wait: Span::secs(60),
        }
    }
}
