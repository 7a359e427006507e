//! From the settings to the detector's own.

use std::time::Duration;

use super::accrual::{AccrualConfig, AccrualPolicy, AccrualRule, DeadTimes};
use super::config::{Consecutive, FailurePercentage, LatencyOutlier, OutlierConfig, SuccessRate};
use crate::config::{AccrualSettings, OutlierSettings, Percent, Span};

impl From<&OutlierSettings> for OutlierConfig {
    /// Without `enabled`, a config without rules: panic and draining stay, nothing is ejected.
    fn from(settings: &OutlierSettings) -> Self {
        let mut config = Self {
            dark: settings.dark,
            interval: settings.interval.get(),
            base_ejection: settings.base_ejection.get(),
            max_ejection: settings.max_ejection.get(),
            jitter: settings.jitter.get(),
            max_ejected: settings.max_ejected,
            panic_threshold: settings.panic_threshold,
            drain_time: settings.drain_time.get(),
            split_local_origin: settings.split_local,
            ..Self::off()
        };
        if !settings.enabled {
            return config;
        }
        let consecutive = |failures: u32| (failures > 0).then(|| Consecutive::new(failures));
        config.gateway_failures = consecutive(settings.gateway_failures);
        config.server_errors = consecutive(settings.server_errors);
        config.local_failures = consecutive(settings.local_failures);
        let rule = &settings.success_rate;
        config.success_rate = rule.enabled.then_some(SuccessRate {
            stdev_factor: rule.stdev_factor,
            min_endpoints: rule.min_endpoints,
            min_requests: rule.min_requests,
            ..SuccessRate::default()
        });
        let rule = &settings.failure_percentage;
        config.failure_percentage = rule.enabled.then_some(FailurePercentage {
            threshold: rule.threshold,
            min_endpoints: rule.min_endpoints,
            min_requests: rule.min_requests,
            ..FailurePercentage::default()
        });
        let rule = &settings.latency;
        config.latency = rule.enabled.then_some(LatencyOutlier {
            factor: rule.factor,
            min_excess: rule.min_excess.get(),
            min_endpoints: rule.min_endpoints,
            min_requests: rule.min_requests,
            enforcement: Percent::ALL,
        });
        config.accrual = accrual(&settings.accrual);
        config
    }
}

fn accrual(settings: &AccrualSettings) -> Option<AccrualConfig> {
    let required = settings.success_rate.fraction();
    let window: Duration = settings.window.get();
    let rules = [
        (settings.failures > 0).then_some(AccrualRule::Consecutive {
            failures: settings.failures,
        }),
        (required > 0.0 && settings.requests > 0).then_some(AccrualRule::SuccessRate {
            required,
            requests: settings.requests,
        }),
        (required > 0.0 && !window.is_zero()).then_some(AccrualRule::SuccessRateOver {
            required,
            window,
            min_requests: settings.min_requests,
        }),
    ];
    let times = DeadTimes::listed(settings.dead.iter().copied().map(Span::get));
    rules
        .into_iter()
        .flatten()
        .map(|rule| AccrualConfig::new(AccrualPolicy::new(rule, times.clone())))
        .reduce(AccrualConfig::or)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_defaults_are_its_own() {
        let config = OutlierConfig::from(&OutlierSettings::default());
        assert_eq!(config, OutlierConfig::default());
    }

    #[test]
    fn switched_off_there_is_no_rule_and_panic_stays() {
        let mut settings = OutlierSettings {
            enabled: false,
            ..OutlierSettings::default()
        };
        settings.accrual.failures = 1;
        let config = OutlierConfig::from(&settings);
        assert!(!config.has_rules());
        assert_eq!(config.panic_threshold, Percent::new(50));
    }

    #[test]
    fn accrual_is_on_once_a_rule_of_it_is_complete() {
        let mut settings = AccrualSettings::default();
        assert_eq!(accrual(&settings), None);
        settings.success_rate = Percent::new(80);
        assert_eq!(accrual(&settings), None, "no window");
        settings.window = Span::secs(30);
        assert!(accrual(&settings).is_some());
    }
}
