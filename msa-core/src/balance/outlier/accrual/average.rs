//! An exponentially weighted moving average over unequal steps.

/// Weighs what lies `d` back by `e^(-d / window)`; the first value stands for all before it.
#[derive(Debug)]
pub(super) struct Average {
    window: f64,
    last: Option<(f64, f64)>,
}

impl Average {
    /// Over a window in whatever unit the stamps have.
    pub(super) fn over(window: f64) -> Self {
        Self { window, last: None }
    }

    /// A value at a stamp, which never goes back. Returns the average with it.
    pub(super) fn record(&mut self, stamp: f64, value: f64) -> f64 {
        let average = match self.last {
            None => value,
            Some((before, average)) => {
                // Without a window nothing is remembered; 0 / 0 would be no number.
                let weight = if self.window > 0.0 {
                    (-(stamp - before).max(0.0) / self.window).exp()
                } else {
                    0.0
                };
                value * (1.0 - weight) + average * weight
            }
        };
        self.last = Some((stamp, average));
        average
    }
}
