//! From the configuration's keys to the rules.

use super::{BreakerConfig, HalfOpen, OpenTime};
use crate::config::BreakerSettings;
use crate::resilience::window::Window;

impl From<&BreakerSettings> for BreakerConfig {
    fn from(settings: &BreakerSettings) -> Self {
        let unless_zero = |count: u32| (count > 0).then_some(count);
        let slow_after = (!settings.slow_after.is_zero()).then(|| settings.slow_after.get());
        let max_wait = (!settings.max_trial_wait.is_zero()).then(|| settings.max_trial_wait.get());
        Self {
            window: match settings.window_calls {
                0 => Window::Time {
                    length: settings.window.get(),
                    buckets: settings.buckets,
                },
                size => Window::Count { size },
            },
            failure_rate: Some(settings.failure_rate),
            min_calls: settings.min_calls,
            slow_after,
            slow_rate: slow_after.map(|_| settings.slow_rate),
            consecutive_failures: unless_zero(settings.consecutive_failures),
            consecutive_connect_failures: unless_zero(settings.consecutive_connect_failures),
            open: OpenTime {
                first: settings.open.get(),
                max: settings.max_open.get(),
                jitter: settings.jitter,
                ..OpenTime::default()
            },
            half_open: HalfOpen {
                permits: settings.trials,
                at_once: settings.trials_at_once,
                max_wait,
                ..HalfOpen::default()
            },
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_and_the_rules_have_the_same_defaults() {
        assert_eq!(
            BreakerConfig::from(&BreakerSettings::default()),
            BreakerConfig::default()
        );
    }
}
