//! Slow start: what share of its traffic a new endpoint gets.

use std::time::Duration;

use super::ewma::nanos;
use crate::config::SlowStartSettings;

/// How an endpoint that just joined comes to its full share.
///
/// Envoy's slow start
/// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start>): after `t` of the
/// window, the share is `max(floor, (t / window) ^ (1 / aggression))`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Ramp {
    /// How long it takes to the full share; zero switches slow start off. Default 10 s.
    pub window: Duration,
    /// Above 1 the share rises faster at the beginning, below 1 slower. Default 1: a straight line.
    pub aggression: f32,
    /// The share at the beginning, 0 to 1. Default 0.1.
    pub floor: f32,
}

impl Default for Ramp {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            aggression: 1.0,
            floor: 0.1,
        }
    }
}

// Casts: shares and exponents: seven digits are plenty
impl From<&SlowStartSettings> for Ramp {
    fn from(settings: &SlowStartSettings) -> Self {
        Self {
            window: settings.window.get(),
            aggression: settings.aggression as f32,
            floor: settings.floor.fraction() as f32,
        }
    }
}

impl Ramp {
    /// Everybody gets the full share at once.
    #[must_use]
    pub fn off() -> Self {
        Self {
            window: Duration::ZERO,
            ..Self::default()
        }
    }

    /// The share after so long, 0 to 1; exactly 1 from the end of the window on.
    #[must_use]
    pub fn share(&self, after: Duration) -> f32 {
        if after >= self.window {
            return 1.0;
        }
        let passed = nanos(after) as f32 / nanos(self.window) as f32;
        let share = if self.aggression == 1.0 {
            passed
        } else {
            passed.powf(1.0 / self.aggression.max(f32::MIN_POSITIVE))
        };
        share.max(self.floor).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_from_the_floor_to_one() {
        let ramp = Ramp::default();
        let share = |ms| ramp.share(Duration::from_millis(ms));
        assert_eq!(share(0), 0.1);
        assert_eq!(share(500), 0.1);
        assert_eq!(share(5000), 0.5);
        assert_eq!(share(10_000), 1.0);
        assert_eq!(Ramp::off().share(Duration::ZERO), 1.0);
    }

    #[test]
    fn the_settings_defaults_are_its_own() {
        assert_eq!(Ramp::from(&SlowStartSettings::default()), Ramp::default());
    }

    #[test]
    fn aggression_bends_it() {
        let share = |aggression| {
            let ramp = Ramp {
                aggression,
                ..Ramp::default()
            };
            ramp.share(Duration::from_secs(5))
        };
        assert!(share(2.0) > 0.5 && share(0.5) < 0.5);
    }
}
