//! The arithmetic of outliers.

/// Where the success rates of the endpoints lie, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rates {
    /// The mean over the endpoints, each weighing the same.
    pub mean: f64,
    /// Below it an endpoint is an outlier.
    pub threshold: f64,
}

impl Rates {
    /// The mean, and `factor` standard deviations (of the population) below it; `None` without any rate.
    ///
    /// Envoy's `success_rate_stdev_factor` is this factor times 1000.
    #[must_use]
    pub fn of(rates: &[f64], factor: f64) -> Option<Self> {
        let centre = mean(rates.iter().copied())?;
        let variance = mean(rates.iter().map(|rate| (rate - centre).powi(2)))?;
        Some(Self {
            mean: centre,
            threshold: centre - factor * variance.sqrt(),
        })
    }
}

// Casts: of at most some thousand endpoints
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The middle one, of an even number the lower of both; reorders the values.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_lies_so_many_standard_deviations_below_the_mean() {
        let rates = Rates::of(&[50.0, 100.0, 100.0, 100.0, 100.0], 1.9).unwrap();
        assert!((rates.mean - 90.0).abs() < 1e-9 && (rates.threshold - 52.0).abs() < 1e-9);
        assert_eq!(Rates::of(&[], 1.9), None);
    }

    #[test]
    fn the_median_is_a_value_that_occurs() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }
}
