//! Additive increase, multiplicative decrease.

use std::time::Duration;

use super::estimate::whole;
use super::{Estimator, Sample};

/// The settings of [`Aimd`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AimdConfig {
    /// Where it begins. 20.
    pub initial: u32,
    /// Never below this. 20.
    pub min: u32,
    /// Never above this, which wins over `min`. 200.
    pub max: u32,
    /// What is left of the limit after a loss, from 0 to 1. 0.9.
    pub backoff: f64,
    /// A latency above this counts as a loss. 5 s.
    pub timeout: Duration,
}

impl Default for AimdConfig {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 20,
            max: 200,
            backoff: 0.9,
            timeout: Duration::from_secs(5),
        }
    }
}

/// Up by one while nothing is lost, down to a share at a loss; up only while at least half of the limit is used.
///
/// TCP's rule (Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989), with the
/// constants of Netflix's `AIMDLimit`. It looks for losses, so it lets a queue grow until something times out: take it where
/// latency varies too much for the others.
#[derive(Debug, Clone)]
pub struct Aimd {
    config: AimdConfig,
    limit: u32,
}

impl Aimd {
    /// Begins at `initial`, which may lie outside of the bounds until the first sample.
    #[must_use]
    pub const fn new(config: AimdConfig) -> Self {
        Self {
            limit: config.initial,
            config,
        }
    }
}

impl Estimator for Aimd {
    fn limit(&self) -> u32 {
        self.limit
    }

    fn update(&mut self, sample: &Sample) -> u32 {
        let config = &self.config;
        let limit = if sample.dropped || sample.rtt > config.timeout {
            whole(f64::from(self.limit) * config.backoff)
        } else if sample.is_near(self.limit.into()) {
            self.limit.saturating_add(1)
        } else {
            self.limit
        };
        self.limit = limit.max(config.min).min(config.max);
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64, in_flight: u32, dropped: bool) -> Sample {
        Sample::new(Duration::from_millis(ms), in_flight, dropped)
    }

    #[test]
    fn it_grows_by_one_only_while_half_of_it_is_used() {
        let mut limit = Aimd::new(AimdConfig::default());
        assert_eq!(limit.update(&sample(1, 9, false)), 20);
        assert_eq!(limit.update(&sample(1, 10, false)), 21);
    }

    #[test]
    fn a_loss_and_a_latency_above_the_timeout_both_cost_a_tenth() {
        for lost in [sample(0, 0, true), sample(5001, 0, false)] {
            let config = AimdConfig {
                initial: 30,
                ..AimdConfig::default()
            };
            assert_eq!(Aimd::new(config).update(&lost), 27);
        }
    }
}
