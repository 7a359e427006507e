//! What an algorithm is told, and what it answers.

use std::fmt;
use std::time::Duration;

use super::{Aimd, AimdConfig, Fixed, Gradient, GradientConfig, Vegas, VegasConfig};

/// What was measured since the last estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// The mean latency of the requests that ended.
    pub rtt: Duration,
    /// The most requests that were in flight at once.
    pub in_flight: u32,
    /// Whether one of them was lost to overload: timed out, or refused further down.
    pub dropped: bool,
}

impl Sample {
    /// A sample.
    #[must_use]
    pub const fn new(rtt: Duration, in_flight: u32, dropped: bool) -> Self {
        Self {
            rtt,
            in_flight,
            dropped,
        }
    }

    /// In nanoseconds, at least one: every ratio of latencies is a number then.
    // Casts: a latency of 2^53 ns is 104 days
    pub(super) fn rtt_ns(&self) -> f64 {
        (self.rtt.as_nanos() as f64).max(1.0)
    }

    /// Whether at least half of the limit was used. If not, the latency says nothing about what more would do to it.
    pub(super) fn is_near(&self, limit: f64) -> bool {
        f64::from(self.in_flight) * 2.0 >= limit
    }
}

/// Learns from samples how many requests may be in flight at once.
///
/// Plain arithmetic: no clock, no lock. [`Limiter`](super::Limiter) calls it once a window.
pub trait Estimator: Send + fmt::Debug {
    /// The limit now.
    fn limit(&self) -> u32;

    /// Takes in what was measured, and answers the limit from now on.
    fn update(&mut self, sample: &Sample) -> u32;
}

/// Which algorithm, with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Always the same limit.
    Fixed(u32),
    /// Up by one while all is well, down by a tenth at a loss: see [`Aimd`].
    Aimd(AimdConfig),
    /// By the ratio of the latency without load to the latency now: see [`Gradient`].
    Gradient(GradientConfig),
    /// By the estimated length of the queue: see [`Vegas`].
    Vegas(VegasConfig),
}

impl Algorithm {
    /// The algorithm, ready to learn. Its chance (when to probe) follows from the seed.
    #[must_use]
    pub fn build(&self, seed: u64) -> Box<dyn Estimator> {
        match *self {
            Self::Fixed(limit) => Box::new(Fixed::new(limit)),
            Self::Aimd(config) => Box::new(Aimd::new(config)),
            Self::Gradient(config) => Box::new(Gradient::new(config, seed)),
            Self::Vegas(config) => Box::new(Vegas::new(config, seed)),
        }
    }

    /// The same, beginning at this limit as far as its bounds allow: what was learned is kept when settings change.
    #[must_use]
    pub fn starting_at(mut self, limit: u32) -> Self {
        match &mut self {
            Self::Fixed(_) => {}
            Self::Aimd(config) => config.initial = bounded(limit, config.min, config.max),
            Self::Gradient(config) => config.initial = bounded(limit, config.min, config.max),
            Self::Vegas(config) => config.initial = bounded(limit, config.min, config.max),
        }
        self
    }
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::Gradient(GradientConfig::default())
    }
}

/// `clamp` would panic for a minimum above the maximum; here the maximum wins.
fn bounded(limit: u32, min: u32, max: u32) -> u32 {
    limit.max(min).min(max)
}

/// A number that may grow with the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scale {
    /// Always this.
    Constant(u32),
    /// So many times the whole part of the limit's decimal logarithm, which is at least 1.
    Log10(u32),
    /// The whole part of the limit's square root, at least this.
    Sqrt(u32),
}

impl Scale {
    // Casts: floors of small positive numbers
    pub(super) fn at(self, limit: f64) -> f64 {
        let limit = limit.max(1.0);
        match self {
            Self::Constant(number) => number.into(),
            Self::Log10(times) => f64::from(times) * limit.trunc().log10().trunc().max(1.0),
            Self::Sqrt(least) => limit.sqrt().trunc().max(least.into()),
        }
    }
}

/// A limit as algorithms keep it, as a whole number.
// Casts: a float's cast saturates
pub(super) fn whole(limit: f64) -> u32 {
    limit as u32
}
