//! What came of the requests of one run.

use std::time::Duration;

/// Latencies, and what became of each request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Summary {
    latencies: Vec<Duration>,
    sorted: bool,
    pub(crate) errors: usize,
}

impl Summary {
    pub(crate) fn ok(&mut self, latency: Duration) {
        self.latencies.push(latency);
        self.sorted = false;
    }

    pub(crate) fn error(&mut self) {
        self.errors += 1;
    }

    pub(crate) fn total(&self) -> usize {
        self.latencies.len() + self.errors
    }

    /// The share, in percent, of all that were answered well within the limit.
    pub(crate) fn within(&self, limit: Duration) -> f64 {
        let good = self.latencies.iter().filter(|latency| **latency <= limit);
        100.0 * good.count() as f64 / self.total().max(1) as f64
    }

    /// The share of errors in percent.
    pub(crate) fn error_share(&self) -> f64 {
        100.0 * self.errors as f64 / self.total().max(1) as f64
    }

    /// The latency, in milliseconds, that this share of the answered stayed below.
    pub(crate) fn percentile(&mut self, share: f64) -> f64 {
        if !self.sorted {
            self.latencies.sort_unstable();
            self.sorted = true;
        }
        let last = self.latencies.len().saturating_sub(1);
        let rank = (share * last as f64).round() as usize;
        self.latencies
            .get(rank.min(last))
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.latencies.extend_from_slice(&other.latencies);
        self.sorted = false;
        self.errors += other.errors;
    }
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
