//! From the configuration to the limiter's own settings.

use super::{
    AimdConfig, Algorithm, GradientConfig, LimitConfig, QueueConfig, Shares, VegasConfig,
    WindowConfig,
};
use crate::config::{
    LimitAlgorithm, LimitQueueSettings, LimitSettings, LimitShareSettings, OverloadSettings, Span,
};

impl From<&LimitSettings> for LimitConfig {
    fn from(settings: &LimitSettings) -> Self {
        let bounds = Bounds {
            initial: settings.initial,
            min: settings.min,
            max: settings.max,
        };
        Self {
            algorithm: bounds.algorithm(settings.algorithm, settings.loss_after),
            window: WindowConfig::default(),
            shares: Shares::from(&settings.shares),
            queue: QueueConfig::from(&settings.queue),
        }
    }
}

impl From<&OverloadSettings> for LimitConfig {
    fn from(settings: &OverloadSettings) -> Self {
        let bounds = Bounds {
            initial: settings.initial,
            min: settings.min,
            max: settings.max,
        };
        Self {
            algorithm: bounds.algorithm(settings.algorithm, settings.loss_after),
            window: WindowConfig::default(),
            shares: Shares::from(&settings.shares),
            queue: QueueConfig::from(&settings.queue),
        }
    }
}

struct Bounds {
    initial: u32,
    min: u32,
    max: u32,
}

impl Bounds {
    fn algorithm(self, name: LimitAlgorithm, loss_after: Span) -> Algorithm {
        let Self { initial, min, max } = self;
        let algorithm = match name {
            LimitAlgorithm::Gradient => Algorithm::Gradient(GradientConfig {
                min,
                max,
                ..GradientConfig::default()
            }),
            LimitAlgorithm::Vegas => Algorithm::Vegas(VegasConfig {
                min,
                max,
                ..VegasConfig::default()
            }),
            LimitAlgorithm::Aimd => Algorithm::Aimd(AimdConfig {
                min,
                max,
                timeout: loss_after.get(),
                ..AimdConfig::default()
            }),
            LimitAlgorithm::Fixed => Algorithm::Fixed(initial.max(1)),
        };
        // Within the bounds, which the file may have moved past where the limit began by default.
        algorithm.starting_at(initial)
    }
}

impl From<&LimitQueueSettings> for QueueConfig {
    fn from(settings: &LimitQueueSettings) -> Self {
        Self {
            length: settings.length,
            target: settings.target.get(),
            interval: settings.interval.get(),
            max_wait: settings.max_wait.get(),
            adaptive_lifo: settings.adaptive_lifo,
        }
    }
}

impl From<&LimitShareSettings> for Shares {
    fn from(settings: &LimitShareSettings) -> Self {
        Self {
            background: settings.background,
            sheddable: settings.sheddable,
            default: settings.default,
            critical: settings.critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_defaults_are_the_limiters_own() {
        assert_eq!(
            LimitConfig::from(&LimitSettings::default()),
            LimitConfig::default()
        );
        assert_eq!(
            LimitConfig::from(&OverloadSettings::default()),
            LimitConfig::default()
        );
    }

    #[test]
    fn the_limit_begins_within_its_bounds() {
        for (min, max, expected) in [(50, 100, 50), (1, 10, 10), (30, 10, 10)] {
            let settings = LimitSettings {
                min,
                max,
                ..LimitSettings::default()
            };
            let config = LimitConfig::from(&settings);
            assert_eq!(config.algorithm.build(1).limit(), expected);
        }
    }
}
