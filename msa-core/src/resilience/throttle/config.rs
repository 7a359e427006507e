//! The numbers of a throttle.

use std::time::Duration;

use crate::config::{Percent, ThrottleSettings};

/// How much is sent in proportion to what is accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ThrottleConfig {
    /// How many times of what was accepted is sent, at least 1. Defaults to 2.
    pub k: f64,
    /// What is looked at, counted in 12 buckets. Defaults to 2 minutes.
    pub window: Duration,
    /// Below so many calls in the window nothing is turned away. Defaults to 10.
    pub min_calls: u32,
    /// The highest probability of turning a call away. Defaults to 95 %.
    pub max_rejection: Percent,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            k: 2.0,
            window: Duration::from_secs(120),
            min_calls: 10,
            max_rejection: Percent::new(95),
        }
    }
}

impl From<&ThrottleSettings> for ThrottleConfig {
    fn from(settings: &ThrottleSettings) -> Self {
        Self {
            k: settings.k,
            window: settings.window.get(),
            min_calls: settings.min_calls,
            max_rejection: settings.max_rejection,
        }
    }
}
