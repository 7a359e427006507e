//! How an outlier is told, and what becomes of it.

use std::time::Duration;

use super::accrual::AccrualConfig;
use crate::config::Percent;

/// The plain settings of a [`Detector`](super::Detector).
///
/// The defaults are those of `clients.<service>.outlier`. [`OutlierConfig::off`] has no rule at all, to be filled in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OutlierConfig {
    /// Whether it only reports. Defaults to no.
    pub dark: bool,
    /// From one sweep to the next. Defaults to 10 s.
    pub interval: Duration,
    /// How long the first ejection lasts; the n-th in a row lasts n times as long. Defaults to 30 s.
    pub base_ejection: Duration,
    /// The longest that an ejection lasts, if it is not shorter than `base_ejection`. Defaults to 300 s.
    pub max_ejection: Duration,
    /// Up to so much longer, by chance, so that endpoints ejected together do not return together. Defaults to 0.
    pub jitter: Duration,
    /// The largest share of endpoints that may be out at once, the broken and the unhealthy counted in. Defaults to 50 %.
    pub max_ejected: Percent,
    /// Whether the share is rounded up to whole endpoints, so that a first one may always go, as gRPC and Envoy's
    /// `always_eject_one_host` have it. Defaults to no: half of three is one.
    pub max_ejected_rounds_up: bool,
    /// Below this share of available endpoints all are used. Defaults to 50 %; 0 % switches it off.
    pub panic_threshold: Percent,
    /// How long an endpoint that said it is draining is left alone. Defaults to 30 s.
    pub drain_time: Duration,
    /// Whether failures of our own side (connect, reset, timeout) are judged apart from what the endpoint answered, with a
    /// success rate and a failure percentage of their own. Defaults to no: they count as gateway failures, too.
    pub split_local_origin: bool,
    /// So many gateway failures (502, 503, 504) in a row. Defaults to 5.
    pub gateway_failures: Option<Consecutive>,
    /// So many 5xx of any kind in a row. Off by default: a 500 is often the request's doing.
    pub server_errors: Option<Consecutive>,
    /// So many failures of our own side in a row. Defaults to 5.
    pub local_failures: Option<Consecutive>,
    /// A success rate far below the others'. On by default.
    pub success_rate: Option<SuccessRate>,
    /// A share of failures, whatever the others do. Off by default.
    pub failure_percentage: Option<FailurePercentage>,
    /// Much slower than the others. Off by default.
    pub latency: Option<LatencyOutlier>,
    /// Failure accrual, as Finagle has it. Off by default.
    pub accrual: Option<AccrualConfig>,
}

impl Default for OutlierConfig {
    fn default() -> Self {
        Self {
            gateway_failures: Some(Consecutive::new(5)),
            local_failures: Some(Consecutive::new(5)),
            success_rate: Some(SuccessRate::default()),
            ..Self::off()
        }
    }
}

impl OutlierConfig {
    /// The default times and bounds, and no rule: nothing is ever ejected.
    #[must_use]
    pub fn off() -> Self {
        Self {
            dark: false,
            interval: Duration::from_secs(10),
            base_ejection: Duration::from_secs(30),
            max_ejection: Duration::from_secs(300),
            jitter: Duration::ZERO,
            max_ejected: Percent::new(50),
            max_ejected_rounds_up: false,
            panic_threshold: Percent::new(50),
            drain_time: Duration::from_secs(30),
            split_local_origin: false,
            gateway_failures: None,
            server_errors: None,
            local_failures: None,
            success_rate: None,
            failure_percentage: None,
            latency: None,
            accrual: None,
        }
    }

    /// Whether there is any rule.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        let consecutive = [
            &self.gateway_failures,
            &self.server_errors,
            &self.local_failures,
        ];
        consecutive.into_iter().any(Option::is_some)
            || self.counts_answers()
            || self.accrual.is_some()
    }

    /// Whether a rule looks at the answers of an interval.
    pub(super) fn counts_answers(&self) -> bool {
        self.success_rate.is_some() || self.failure_percentage.is_some() || self.latency.is_some()
    }

    /// How many of so many endpoints may be out.
    pub(super) fn cap(&self, endpoints: u64) -> u64 {
        let share = endpoints.saturating_mul(self.max_ejected.millionths().into());
        let whole = u64::from(Percent::ALL.millionths());
        if self.max_ejected_rounds_up {
            share.div_ceil(whole)
        } else {
            share / whole
        }
    }

    /// How long an ejection lasts that is the n-th in a row.
    pub(super) fn ejection(&self, times: u32) -> Duration {
        let most = self.max_ejection.max(self.base_ejection);
        self.base_ejection.saturating_mul(times).min(most)
    }
}

/// So many failures without a success in between.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Consecutive {
    /// How many; at least 1.
    pub failures: u32,
    /// The share of detected ones that are ejected. Defaults to 100 %.
    pub enforcement: Percent,
}

impl Consecutive {
    /// So many, always enforced; 0 is taken as 1.
    #[must_use]
    pub fn new(failures: u32) -> Self {
        Self {
            failures: failures.max(1),
            enforcement: Percent::ALL,
        }
    }
}

/// A success rate below `mean - stdev_factor × σ` over the endpoints that had enough requests in the last interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SuccessRate {
    /// How many standard deviations below the mean. Defaults to 1.9.
    pub stdev_factor: f64,
    /// So many endpoints must have had enough requests. Defaults to 5.
    pub min_endpoints: usize,
    /// So many requests an interval are enough; an endpoint without any is never judged. Defaults to 100.
    pub min_requests: u32,
    /// The share of detected ones that are ejected. Defaults to 100 %.
    pub enforcement: Percent,
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self {
            stdev_factor: 1.9,
            min_endpoints: 5,
            min_requests: 100,
            enforcement: Percent::ALL,
        }
    }
}

/// At least this share of failures in the last interval, whatever the others do.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FailurePercentage {
    /// Which share. Defaults to 85 %.
    pub threshold: Percent,
    /// Whether exactly that share is enough, as for Envoy; for gRPC it must be more. Defaults to yes.
    pub at_threshold: bool,
    /// So many endpoints must have had enough requests. Defaults to 5.
    pub min_endpoints: usize,
    /// So many requests an interval are enough; an endpoint without any is never judged. Defaults to 50.
    pub min_requests: u32,
    /// The share of detected ones that are ejected. Defaults to 100 %.
    pub enforcement: Percent,
}

impl Default for FailurePercentage {
    fn default() -> Self {
        Self {
            threshold: Percent::new(85),
            at_threshold: true,
            min_endpoints: 5,
            min_requests: 50,
            enforcement: Percent::ALL,
        }
    }
}

/// Successes that took, in the last interval and on average, more than `factor` times the median of all endpoints'
/// averages, and at least `min_excess` longer than that.
///
/// Our own rule. The median and not the mean, since one very slow endpoint of five moves the mean beyond what it could
/// itself be an outlier of; averages of successes only, since a fast failure is not fast; and the excess, since between
/// 0.2 ms and 0.7 ms nobody cares.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LatencyOutlier {
    /// How many times the median. Defaults to 3.
    pub factor: f64,
    /// How much longer than the median at least. Defaults to 10 ms.
    pub min_excess: Duration,
    /// So many endpoints must have had enough successes. Defaults to 5; with fewer than 3 there is no majority to be the
    /// measure.
    pub min_endpoints: usize,
    /// So many successes an interval are enough. Defaults to 20.
    pub min_requests: u32,
    /// The share of detected ones that are ejected. Defaults to 100 %.
    pub enforcement: Percent,
}

impl Default for LatencyOutlier {
    fn default() -> Self {
        Self {
            factor: 3.0,
            min_excess: Duration::from_millis(10),
            min_endpoints: 5,
            min_requests: 20,
            enforcement: Percent::ALL,
        }
    }
}
