//! By the length of the queue that the latency tells.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::estimate::whole;
use super::{Estimator, Sample, Scale};

/// The settings of [`Vegas`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct VegasConfig {
    /// Where it begins. 20.
    pub initial: u32,
    /// Never below this. 1.
    pub min: u32,
    /// Never above this, which wins over `min`. 1000.
    pub max: u32,
    /// A queue shorter than this lets the limit grow. 3 × log10.
    pub alpha: Scale,
    /// A queue longer than this makes the limit shrink; without any queue the limit grows by so much. 6 × log10.
    pub beta: Scale,
    /// A queue up to this is none. log10.
    pub threshold: Scale,
    /// By how much it grows while there is a short queue. log10.
    pub increase: Scale,
    /// How it shrinks. By log10.
    pub decrease: Decrease,
    /// How much of a new estimate is taken over, from 0 to 1. 1.
    pub smoothing: f64,
    /// The latency without load is taken anew after about so many samples times the limit. 30.
    pub probe_multiplier: u32,
}

impl Default for VegasConfig {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 1,
            max: 1000,
            alpha: Scale::Log10(3),
            beta: Scale::Log10(6),
            threshold: Scale::Log10(1),
            increase: Scale::Log10(1),
            decrease: Decrease::By(Scale::Log10(1)),
            smoothing: 1.0,
            probe_multiplier: 30,
        }
    }
}

/// How a limit shrinks.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Decrease {
    /// By this.
    By(Scale),
    /// To this share of it, from 0 to 1.
    To(f64),
}

impl Decrease {
    fn of(self, limit: f64) -> f64 {
        match self {
            Self::By(step) => limit - step.at(limit),
            Self::To(share) => limit * share,
        }
    }
}

/// Keeps the queue between two lengths.
///
/// TCP Vegas (Brakmo and Peterson, "TCP Vegas: End to end congestion avoidance on a global internet", 1995) as Netflix's
/// `VegasLimit` has it: with `rtt0` the lowest latency seen, `limit × (1 − rtt0 / rtt)` of the requests in flight are
/// waiting somewhere. A new lowest latency, and now and then the latency of the day (the probe), replaces `rtt0` and leaves
/// the limit alone. A probe under load takes the queue for the work, so under lasting overload the limit climbs:
/// [`Gradient`](super::Gradient) does not.
#[derive(Debug, Clone)]
pub struct Vegas {
    config: VegasConfig,
    limit: f64,
    /// The latency without load in nanoseconds; infinite before the first sample.
    rtt0: f64,
    samples: u64,
    probe_share: f64,
    chance: SmallRng,
}

impl Vegas {
    /// Begins at `initial`. The seed decides when it probes.
    #[must_use]
    pub fn new(config: VegasConfig, seed: u64) -> Self {
        let mut chance = SmallRng::seed_from_u64(seed);
        Self {
            limit: config.initial.into(),
            rtt0: f64::INFINITY,
            samples: 0,
            probe_share: chance.random_range(0.5..1.0),
            config,
            chance,
        }
    }

    // Casts: a count of samples since the last probe
    fn is_probe(&mut self) -> bool {
        self.samples += 1;
        let due = self.probe_share * f64::from(self.config.probe_multiplier) * self.limit;
        if due > self.samples as f64 {
            return false;
        }
        self.samples = 0;
        self.probe_share = self.chance.random_range(0.5..1.0);
        true
    }

    fn estimate(&self, sample: &Sample) -> f64 {
        let config = &self.config;
        if sample.dropped {
            return config.decrease.of(self.limit);
        }
        if !sample.is_near(self.limit) {
            return self.limit;
        }
        let queue = (self.limit * (1.0 - self.rtt0 / sample.rtt_ns())).ceil();
        if queue <= config.threshold.at(self.limit) {
            self.limit + config.beta.at(self.limit)
        } else if queue < config.alpha.at(self.limit) {
            self.limit + config.increase.at(self.limit)
        } else if queue > config.beta.at(self.limit) {
            config.decrease.of(self.limit)
        } else {
            self.limit
        }
    }
}

impl Estimator for Vegas {
    fn limit(&self) -> u32 {
        whole(self.limit)
    }

    fn update(&mut self, sample: &Sample) -> u32 {
        let rtt = sample.rtt_ns();
        if self.is_probe() || rtt < self.rtt0 {
            self.rtt0 = rtt;
            return self.limit();
        }
        let new = self.estimate(sample);
        if (new - self.limit).abs() > f64::EPSILON {
            let new = new
                .max(self.config.min.max(1).into())
                .min(self.config.max.into());
            self.limit += (new - self.limit) * self.config.smoothing;
        }
        self.limit()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn vegas(config: VegasConfig) -> Vegas {
        Vegas::new(config, 1)
    }

    fn sample(ms: u64, in_flight: u32) -> Sample {
        Sample::new(Duration::from_millis(ms), in_flight, false)
    }

    #[test]
    fn without_a_queue_a_large_limit_grows_by_more() {
        let mut limit = vegas(VegasConfig {
            initial: 10_000,
            max: 20_000,
            ..VegasConfig::default()
        });
        assert_eq!(limit.update(&sample(10_000, 5000)), 10_000);
        assert_eq!(limit.update(&sample(10_000, 6000)), 10_024);
    }

    #[test]
    fn between_alpha_and_beta_it_stands_and_above_beta_it_shrinks() {
        let config = VegasConfig {
            initial: 10,
            max: 20,
            alpha: Scale::Constant(3),
            beta: Scale::Constant(6),
            ..VegasConfig::default()
        };
        for (ms, expected) in [(14, 10), (50, 9)] {
            let mut limit = vegas(config);
            assert_eq!(limit.update(&sample(10, 10)), 10);
            assert_eq!(limit.update(&sample(ms, 14)), expected, "{ms} ms");
        }
    }

    #[test]
    fn a_limit_that_is_not_used_does_not_grow() {
        let mut limit = vegas(VegasConfig::default());
        limit.update(&sample(10, 10));
        assert_eq!(limit.update(&sample(10, 9)), 20);
    }
}
