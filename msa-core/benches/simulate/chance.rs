//! Seeded chance, and the distributions that the experiments name.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

#[derive(Debug)]
pub(crate) struct Chance(SmallRng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// From 0 up to, but not including, 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.0.random()
    }

    /// By Box and Muller's transform.
    pub(crate) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// The wait for the next arrival of a Poisson process of so many a second.
    pub(crate) fn arrival(&mut self, rate: f64) -> Duration {
        Duration::from_secs_f64(-(1.0 - self.share()).ln() / rate)
    }
}
