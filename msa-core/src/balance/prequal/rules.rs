//! The numbers that Prequal goes by.

use std::time::Duration;

use crate::config::PrequalSettings;

/// What Prequal goes by. The defaults are the paper's but for `hot_quantile`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PrequalRules {
    /// At most so many reports are kept (the paper's m), 16 by default.
    pub pool_size: usize,
    /// A report is forgotten when it is older; 1 s by default.
    pub max_age: Duration,
    /// A replica with more requests in flight than this share of the others last told is hot (the paper's Q_RIF): 0.25 by default. With 0
    /// only requests in flight count, with 1 only latency.
    ///
    /// The paper takes 2^-0.25, about 0.84, with three fresh probes for each pick. A report that came along with an earlier response
    /// is older, and going by latency alone then sends too much to whoever was fastest: in the simulations of
    /// `docs/balancing.md`, 0.25 has the shorter tail at every load.
    pub hot_quantile: f64,
    /// At most so many probes are due per pick (r_probe), 3 by default; 0 for none.
    pub probe_rate: f64,
    /// So many reports are removed per pick (r_remove) while probes come at `probe_rate`, and fewer in proportion when fewer
    /// come; 1 by default.
    pub remove_rate: f64,
    /// By how much the supply of reports is to exceed what picks use up (the paper's delta), 1 by default.
    pub surplus: f64,
    /// With fewer fresh reports to choose from, P2C on peak EWMA chooses; 2 by default.
    pub min_pool: usize,
    /// A replica that has not reported for so long counts as one that does not; 10 s by default.
    pub silent_after: Duration,
}

impl Default for PrequalRules {
    fn default() -> Self {
        Self {
            pool_size: 16,
            max_age: Duration::from_secs(1),
            hot_quantile: 0.25,
            probe_rate: 3.0,
            remove_rate: 1.0,
            surplus: 1.0,
            min_pool: 2,
            silent_after: Duration::from_secs(10),
        }
    }
}

impl From<&PrequalSettings> for PrequalRules {
    fn from(settings: &PrequalSettings) -> Self {
        Self {
            pool_size: usize::try_from(settings.pool_size).unwrap_or(usize::MAX),
            max_age: settings.max_age.get(),
            hot_quantile: settings.hot_quantile.fraction(),
            probe_rate: settings.probe_rate,
            remove_rate: settings.remove_rate,
            silent_after: settings.silent_after.get(),
            ..Self::default()
        }
    }
}

impl PrequalRules {
    /// The paper's b_reuse, max(1, (1 + delta) / ((1 - m/n) r_probe - r_remove)), for `probes` answered probes per pick.
    ///
    /// Without end when the pool holds the whole set, or when no probes come: then reports come along with responses, each
    /// renews its entry, and age alone ends it.
    pub(super) fn reuse(&self, replicas: usize, probes: f64) -> f64 {
        let new = (1.0 - self.pool_size as f64 / replicas.max(1) as f64) * probes;
        let surplus = new - self.removals(replicas, probes);
        if surplus > 0.0 {
            f64::max(1.0, (1.0 + self.surplus) / surplus)
        } else {
            f64::INFINITY
        }
    }

    /// How many reports to remove per pick.
    pub(super) fn removals(&self, replicas: usize, probes: f64) -> f64 {
        if replicas <= self.pool_size || self.probe_rate <= 0.0 {
            return 0.0;
        }
        self.remove_rate * f64::min(1.0, probes / self.probe_rate)
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    #[test]
    fn the_settings_defaults_are_the_rules_defaults() {
        let settings = PrequalSettings::default();
        assert_eq!(PrequalRules::from(&settings), PrequalRules::default());
    }

    #[test]
    fn reuse_is_the_papers_formula() {
        let rules = PrequalRules::default();
        assert!((rules.reuse(100, 3.0) - 2.0 / (0.84 * 3.0 - 1.0)).abs() < 1e-9);
        assert!((rules.reuse(10_000, 1.0) - 2.0 / (0.9984 - 1.0 / 3.0)).abs() < 1e-9);
        let busy = PrequalRules {
            probe_rate: 10.0,
            ..rules
        };
        assert!((busy.reuse(100, 10.0) - 1.0).abs() < 1e-9); // never less than once
    }

    #[test]
    fn without_probes_or_with_room_for_all_nothing_is_used_up() {
        let rules = PrequalRules::default();
        assert!(rules.reuse(100, 0.0).is_infinite());
        assert!(rules.reuse(16, 3.0).is_infinite());
        assert!(rules.reuse(0, 3.0).is_infinite());
        assert!(rules.removals(16, 3.0).abs() < 1e-9);
        assert!((rules.removals(17, 9.0) - 1.0).abs() < 1e-9);
    }
}
