//! A limit that never moves.

use super::{Estimator, Sample};

/// Always the same limit: for whoever has measured it, and to measure the others by.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(u32);

impl Fixed {
    /// This limit.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self(limit)
    }
}

impl Estimator for Fixed {
    fn limit(&self) -> u32 {
        self.0
    }

    fn update(&mut self, _: &Sample) -> u32 {
        self.0
    }
}
