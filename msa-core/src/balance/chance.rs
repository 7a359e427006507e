//! Where a balancer's chance comes from.

use crate::sync::atomic::{AtomicU64, Ordering};

/// A seeded stream of numbers that many threads draw from without waiting.
///
/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA'14;
/// <https://prng.di.unimi.it/splitmix64.c>): its state is a mere counter, so a draw is one atomic addition and a few
/// multiplications, and the same seed gives the same numbers.
#[derive(Debug)]
pub struct Chance(AtomicU64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// A stream that this seed alone determines; neighbouring seeds give unrelated streams.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(mix(seed)))
    }

    /// The next 64 bits.
    #[inline]
    pub fn draw(&self) -> u64 {
        mix(self.0.fetch_add(GAMMA, Ordering::Relaxed))
    }

    /// The next number below `n`; 0 when `n` is 0.
    #[inline]
    pub fn below(&self, n: usize) -> usize {
        scale(self.draw(), n)
    }

    /// The next number in `0.0..1.0`.
    #[inline]
    pub fn unit(&self) -> f32 {
        // 24 bits: each of them is an f32 to the bit.
        let bits = (self.draw() >> 40) as f32;
        bits * (1.0 / 16_777_216.0)
    }
}

/// A number below `n` out of 64 random bits, by Lemire's multiplication (<https://arxiv.org/abs/1805.10941>); what it is off
/// an even share is below n / 2^64.
#[inline]
pub(super) fn scale(bits: u64, n: usize) -> usize {
    // usize fits into u64 on every target that tokio runs on, and the result is below `n`.
    ((u128::from(bits) * (n as u128)) >> 64) as usize
}

/// SplitMix64's finalizer.
#[inline]
pub(super) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_its_neighbour_differs() {
        let draws = |seed| {
            let chance = Chance::new(seed);
            (0..8).map(|_| chance.draw()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn the_first_numbers_are_the_reference_implementations() {
        // splitmix64.c with x = 1234567.
        let mut x = 1_234_567_u64;
        let mut next = || {
            let out = mix(x);
            x = x.wrapping_add(GAMMA);
            out
        };
        assert_eq!(next(), 6_457_827_717_110_365_317);
        assert_eq!(next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_every_one() {
        let chance = Chance::new(3);
        let mut seen = [0; 5];
        for _ in 0..500 {
            seen[chance.below(5)] += 1;
            assert!((0.0..1.0).contains(&chance.unit()));
        }
        assert!(
            seen.iter().all(|count| (60..140).contains(count)),
            "{seen:?}"
        );
        assert_eq!(chance.below(0), 0);
    }
}
