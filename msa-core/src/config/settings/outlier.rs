//! `client.outlier`, `client.slow_start` and `client.active_health`: instances that should get fewer calls, or none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Span};

/// Which instances are set aside, for how long, and how many at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OutlierSettings {
    /// Whether outliers are looked for.
    pub enabled: bool,
    /// Whether they are only reported.
    pub dark: bool,
    /// How often the rules that look at an interval are applied, and who has sat out returns.
    #[schemars(extend("x-msa-min" = "100ms"))]
    pub interval: Span,
    /// How long the first ejection lasts; the n-th in a row lasts n times as long.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub base_ejection: Span,
    /// The longest that an ejection lasts, unless `base_ejection` is longer.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub max_ejection: Span,
    /// An ejection lasts up to so much longer, by chance, so that not all return at once.
    pub jitter: Span,
    /// The largest share of instances that may be out at once; those with an open breaker or a failed health check count.
    pub max_ejected: Percent,
    /// Below this share of available instances all are used, and their breakers only report; 0% never.
    pub panic_threshold: Percent,
    /// So many 502, 503 and 504 in a row; 0 is off.
    pub gateway_failures: u32,
    /// So many 5xx of any kind in a row; 0 is off.
    pub server_errors: u32,
    /// So many connections refused or reset, or attempts timed out, in a row; 0 is off.
    pub local_failures: u32,
    /// Whether those are judged apart from what the instance answers; if not, they count as gateway failures too.
    pub split_local: bool,
    /// A success rate far below the others'.
    pub success_rate: SuccessRateSettings,
    /// A share of failures, whatever the others do.
    pub failure_percentage: FailurePercentageSettings,
    /// Much slower than the others.
    pub latency: LatencyOutlierSettings,
    /// Failures that accrue until an instance is taken for dead.
    pub accrual: AccrualSettings,
    /// How long an instance that said it is draining gets no calls.
    pub drain_time: Span,
}

impl Default for OutlierSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            dark: false,
            interval: Span::secs(10),
            base_ejection: Span::secs(30),
            max_ejection: Span::secs(300),
            jitter: Span::ZERO,
            max_ejected: Percent::new(50),
            panic_threshold: Percent::new(50),
            gateway_failures: 5,
            server_errors: 0,
            local_failures: 5,
            split_local: false,
            success_rate: SuccessRateSettings::default(),
            failure_percentage: FailurePercentageSettings::default(),
            latency: LatencyOutlierSettings::default(),
            accrual: AccrualSettings::default(),
            drain_time: Span::secs(30),
        }
    }
}

/// A success rate in the last interval below the mean of all instances by so many standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct SuccessRateSettings {
    /// Whether this rule holds.
    pub enabled: bool,
    /// How many standard deviations, 0 or more.
    #[schemars(range(min = 0.0))]
    pub stdev_factor: f64,
    /// So many instances must have had enough requests.
    pub min_endpoints: usize,
    /// So many requests in an interval are enough.
    pub min_requests: u32,
}

impl Default for SuccessRateSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            stdev_factor: 1.9,
            min_endpoints: 5,
            min_requests: 100,
        }
    }
}

/// At least this share of failures in the last interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct FailurePercentageSettings {
    /// Whether this rule holds.
    pub enabled: bool,
    /// Which share.
    pub threshold: Percent,
    /// So many instances must have had enough requests.
    pub min_endpoints: usize,
    /// So many requests in an interval are enough.
    pub min_requests: u32,
}

impl Default for FailurePercentageSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            threshold: Percent::new(85),
            min_endpoints: 5,
            min_requests: 50,
        }
    }
}

/// Successes that took, in the last interval and on average, many times the median of all instances' averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct LatencyOutlierSettings {
    /// Whether this rule holds.
    pub enabled: bool,
    /// How many times the median, 1 or more.
    #[schemars(range(min = 1.0))]
    pub factor: f64,
    /// And so much longer than the median at least.
    pub min_excess: Span,
    /// So many instances must have had enough successes; never fewer than 3.
    #[schemars(range(min = 3))]
    pub min_endpoints: usize,
    /// So many successes in an interval are enough.
    pub min_requests: u32,
}

impl Default for LatencyOutlierSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            factor: 3.0,
            min_excess: Span::millis(10),
            min_endpoints: 5,
            min_requests: 20,
        }
    }
}

/// When an instance is taken for dead, apart from the other rules. Several hold together; of their times the longest counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct AccrualSettings {
    /// After so many failures in a row; 0 is off.
    pub failures: u32,
    /// Below this success rate, as a moving average over a window that one of the next two sets; 0% is off.
    pub success_rate: Percent,
    /// The window in requests; 0 is off.
    pub requests: u32,
    /// The window in time; zero is off.
    pub window: Span,
    /// With fewer requests in that time nothing is judged.
    pub min_requests: u32,
    /// For how long it is dead: the first time, the second time without a success in between, and so on; then 5m.
    pub dead: Vec<Span>,
}

impl Default for AccrualSettings {
    fn default() -> Self {
        Self {
            failures: 0,
            success_rate: Percent::ZERO,
            requests: 0,
            window: Span::ZERO,
            min_requests: 5,
            dead: [5, 10, 20, 40, 80, 160].map(Span::secs).into(),
        }
    }
}

/// How an instance that joins, or returns, comes to its full share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct SlowStartSettings {
    /// How long it takes; zero gives the full share at once.
    pub window: Span,
    /// 1 is a straight line; above 1 the share rises faster at the beginning, below 1 slower. More than 0.
    #[schemars(range(min = 0.01))]
    pub aggression: f64,
    /// The share at the beginning.
    pub floor: Percent,
}

impl Default for SlowStartSettings {
    fn default() -> Self {
        Self {
            window: Span::secs(10),
            aggression: 1.0,
            floor: Percent::new(10),
        }
    }
}

/// Asking each instance how it is, besides watching its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ActiveHealthSettings {
    /// Whether instances are asked.
    pub enabled: bool,
    /// What is asked for, by GET; any 2xx is well.
    #[schemars(extend("format" = "url-path"))]
    pub path: String,
    /// From one answer of an instance to the next question, up to a tenth more by chance.
    #[schemars(extend("x-msa-min" = "10ms"))]
    pub interval: Span,
    /// No answer after so long is a bad one.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub timeout: Span,
    /// So many bad answers in a row, and it gets no calls; the very first answer decides alone.
    #[schemars(range(min = 1))]
    pub unhealthy_after: u32,
    /// So many good answers in a row, and it gets calls again.
    #[schemars(range(min = 1))]
    pub healthy_after: u32,
}

impl Default for ActiveHealthSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            path: "/readyz".into(),
            interval: Span::secs(5),
            timeout: Span::secs(1),
            unhealthy_after: 2,
            healthy_after: 2,
        }
    }
}
