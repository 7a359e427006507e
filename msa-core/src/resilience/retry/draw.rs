//! Chance from a seed.

use crate::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64 on an atomic state: any number of threads draw, without a lock. <https://prng.di.unimi.it/splitmix64.c>
#[derive(Debug)]
pub(crate) struct Draws(AtomicU64);

/// The generator's step, 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Evenly from 0 to 1, without 1.
    // Casts: 53 bits are what a double holds
    pub(crate) fn draw(&self) -> f64 {
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}
