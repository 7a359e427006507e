//! How many probes are answered per pick.

/// Over how many picks the rate is taken, about.
const MEMORY: f64 = 64.0;

/// The paper's r_probe as it is, rather than as it should be: answered probes per pick, exponentially forgotten.
#[derive(Debug, Default)]
pub(super) struct Supply {
    probes: f64,
    picks: f64,
}

impl Supply {
    pub(super) fn picked(&mut self) {
        let keep = 1.0 - 1.0 / MEMORY;
        self.picks = self.picks * keep + 1.0;
        self.probes *= keep;
    }

    pub(super) fn probed(&mut self) {
        self.probes += 1.0;
    }

    /// Answered probes per pick; 0 before the first pick.
    pub(super) fn per_pick(&self) -> f64 {
        if self.picks > 0.0 {
            self.probes / self.picks
        } else {
            0.0
        }
    }

    #[cfg(test)]
    pub(super) fn constant(rate: f64) -> Self {
        Self {
            probes: rate * 1e12,
            picks: 1e12,
        }
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_picks() {
        let mut supply = Supply::default();
        assert_eq!(supply.per_pick().to_bits(), 0.0_f64.to_bits());
        for _ in 0..1000 {
            supply.picked();
            supply.probed();
            supply.probed();
        }
        assert!((supply.per_pick() - 2.0).abs() < 0.05);
        for _ in 0..1000 {
            supply.picked();
        }
        assert!(supply.per_pick() < 0.001);
    }
}
