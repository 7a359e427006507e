//! The distribution of requests in flight, as far as recent reports tell.

/// How many reports the estimate remembers.
const WINDOW: usize = 64;

/// The last reports' requests in flight, in order of arrival and of size.
#[derive(Debug)]
pub(super) struct Recent {
    arrived: Vec<u32>,
    /// The one that leaves next, once the window is full.
    oldest: usize,
    sorted: Vec<u32>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            arrived: Vec::with_capacity(WINDOW),
            oldest: 0,
            sorted: Vec::with_capacity(WINDOW),
        }
    }

    pub(super) fn push(&mut self, in_flight: u32) {
        match self.arrived.get_mut(self.oldest) {
            Some(oldest) if self.sorted.len() == WINDOW => {
                let gone = std::mem::replace(oldest, in_flight);
                if let Ok(at) = self.sorted.binary_search(&gone) {
                    self.sorted.remove(at);
                }
                self.oldest = (self.oldest + 1) % WINDOW;
            }
            _ => self.arrived.push(in_flight),
        }
        let at = self.sorted.partition_point(|other| *other < in_flight);
        self.sorted.insert(at, in_flight);
    }

    /// The least value that at least this share (0 to 1) of the window does not exceed; 0 without reports.
    pub(super) fn quantile(&self, share: f64) -> u32 {
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        (self.sorted.get(rank.saturating_sub(1)).copied()).unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_of_the_window() {
        let mut recent = Recent::new();
        assert_eq!(recent.quantile(0.84), 0);
        for n in [5, 1, 4, 2, 3] {
            recent.push(n);
        }
        let at = |share| recent.quantile(share);
        assert_eq!(
            [at(0.0), at(0.2), at(0.21), at(0.84), at(1.0)],
            [1, 1, 2, 5, 5]
        );
    }

    #[test]
    fn the_window_forgets_in_order_of_arrival() {
        let mut recent = Recent::new();
        for n in 0..1000 {
            recent.push(n % 7 * 1000 + n);
            let mut last: Vec<u32> = (0..=n)
                .rev()
                .take(WINDOW)
                .map(|n| n % 7 * 1000 + n)
                .collect();
            last.sort_unstable();
            assert_eq!(recent.sorted, last);
        }
    }
}
