//! An exponentially weighted average that begins as a plain mean.

/// The mean of its first values, from then on moved by each new one by `2 / (window + 1)` of the difference.
#[derive(Debug, Clone)]
pub struct Average {
    window: u32,
    warmup: u32,
    value: f64,
    count: u32,
}

impl Average {
    /// An average without values, which is zero. `window` is about how many values it remembers, `warmup` how many the
    /// plain mean takes.
    #[must_use]
    pub const fn new(window: u32, warmup: u32) -> Self {
        Self {
            window,
            warmup,
            value: 0.0,
            count: 0,
        }
    }

    /// Takes in a value, and answers the average with it.
    pub fn add(&mut self, value: f64) -> f64 {
        let share = if self.count < self.warmup {
            self.count += 1;
            1.0 / f64::from(self.count)
        } else {
            2.0 / (f64::from(self.window) + 1.0)
        };
        self.value += (value - self.value) * share;
        self.value
    }

    /// The average; zero without values.
    #[must_use]
    pub const fn get(&self) -> f64 {
        self.value
    }

    /// Whether it is still the plain mean of few values.
    #[must_use]
    pub const fn is_warming(&self) -> bool {
        self.count < self.warmup
    }

    /// Replaces what was learned; later values move it as if it were warm.
    pub fn set(&mut self, value: f64) {
        self.value = value;
        self.count = self.warmup;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_while_it_warms_and_moves_slowly_then() {
        let mut average = Average::new(100, 10);
        for (value, expected) in
            (10..20).zip([10.0, 10.5, 11.0, 11.5, 12.0, 12.5, 13.0, 13.5, 14.0, 14.5])
        {
            assert!((average.add(f64::from(value)) - expected).abs() < 1e-9);
        }
        assert!((average.add(100.0) - 16.193).abs() < 0.001);
    }
}
