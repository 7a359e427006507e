//! What is remembered of an endpoint's answers: two numbers that fade with time, each in one atomic word.

use std::time::Duration;

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How fast the past fades: after this time a value counts 1/e of what it did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decay {
    /// Time is counted in ticks of 2^shift nanoseconds: about 65,536 of them are the decay time.
    shift: u32,
    /// Decay times in a tick.
    per_tick: f32,
}

/// A stamp that lies ahead by fewer ticks was written by a thread whose clock reading was newer than ours.
const SKEW: u32 = 1 << 16;

impl Decay {
    pub(super) fn new(decay: Duration) -> Self {
        let shift = (nanos(decay) >> 16).max(1).ilog2();
        Self::with_shift(shift, decay)
    }

    fn with_shift(shift: u32, decay: Duration) -> Self {
        let per_tick = (1_u64 << shift) as f32 / nanos(decay).max(1) as f32;
        Self { shift, per_tick }
    }

    /// Nanoseconds as a stamp. It comes round after 2^32 ticks, 6.5 days at 10 s: a value that nothing touched for exactly so
    /// long looks fresh for a moment.
    #[inline]
    // Casts: that is the coming round
    fn stamp(self, nanos: u64) -> u32 {
        (nanos >> self.shift) as u32
    }

    /// The weight of what was stamped `then`.
    #[inline]
    fn weight(self, then: u32, now: u32) -> f32 {
        match now.wrapping_sub(then) {
            0 => 1.0,
            ahead if ahead > u32::MAX - SKEW => 1.0,
            passed => (-(passed as f32) * self.per_tick).exp(),
        }
    }
}

/// A decay that may change. The ticks stay what they were, since stamps are counted in them.
#[derive(Debug)]
pub(super) struct LiveDecay {
    shift: u32,
    /// An `f32`.
    per_tick: AtomicU32,
}

impl LiveDecay {
    pub(super) fn new(decay: Duration) -> Self {
        let Decay { shift, per_tick } = Decay::new(decay);
        Self {
            shift,
            per_tick: AtomicU32::new(per_tick.to_bits()),
        }
    }

    pub(super) fn set(&self, decay: Duration) {
        let per_tick = Decay::with_shift(self.shift, decay).per_tick;
        self.per_tick.store(per_tick.to_bits(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn get(&self) -> Decay {
        Decay {
            shift: self.shift,
            per_tick: f32::from_bits(self.per_tick.load(Ordering::Relaxed)),
        }
    }
}

/// A value and the time of its last change: an `f32` and a stamp of 32 bits. The word 0 is "nothing known".
#[derive(Debug)]
struct Fading(AtomicU64);

impl Fading {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    fn read(&self) -> Option<(f32, u32)> {
        unpack(self.0.load(Ordering::Relaxed))
    }

    /// Replaces the value by what `change` makes of it; `None` leaves it.
    #[inline]
    fn change(&self, stamp: u32, change: impl Fn(Option<(f32, u32)>) -> Option<f32>) {
        // Relaxed: the word is all there is, nothing else is published by it.
        let mut word = self.0.load(Ordering::Relaxed);
        while let Some(value) = change(unpack(word)) {
            let next = u64::from(value.to_bits()) << 32 | u64::from(stamp);
            match self
                .0
                .compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }
}

#[inline]
// Casts: the two halves
fn unpack(word: u64) -> Option<(f32, u32)> {
    (word != 0).then(|| (f32::from_bits((word >> 32) as u32), word as u32))
}

/// Latency as a peak-sensitive moving average: a rise counts at once and in full, a fall bit by bit.
///
/// Finagle's peak EWMA
/// (<https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/p2c/P2CPeakEwma.scala>),
/// with one difference: reading fades the value for the reader only. Finagle's reading writes the faded value back, so
/// that each look takes weight from the next measurement. Values that fall, within one tick (1/65,536 of the decay time) of the last
/// change, are left out: their weight would drown in rounding.
///
/// A negative value is a bound: there were only failures, and the longest took so long.
#[derive(Debug)]
pub(super) struct PeakEwma(Fading);

/// What is known of a latency, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Latency {
    /// Nothing yet.
    Unknown,
    /// The estimate.
    Known(f32),
    /// Failures took so long; how long a success takes nobody has seen.
    AtLeast(f32),
}

impl PeakEwma {
    pub(super) fn new() -> Self {
        Self(Fading::new())
    }

    #[inline]
    pub(super) fn read(&self, now: u64, decay: Decay) -> Latency {
        let Some((value, then)) = self.0.read() else {
            return Latency::Unknown;
        };
        let faded = value * decay.weight(then, decay.stamp(now));
        if value < 0.0 {
            Latency::AtLeast(-faded)
        } else {
            Latency::Known(faded)
        }
    }

    /// Takes in how long a success took.
    #[inline]
    pub(super) fn observe(&self, nanos: f32, now: u64, decay: Decay) {
        let now = decay.stamp(now);
        let nanos = nanos.max(1.0); // 0 is "nothing known"
        self.0.change(now, |last| match last {
            Some((value, then)) if nanos <= value.abs() => {
                let weight = decay.weight(then, now);
                // A bound becomes an estimate even if no time has passed.
                (weight < 1.0 || value < 0.0).then(|| value.abs() * weight + nanos * (1.0 - weight))
            }
            _ => Some(nanos),
        });
    }

    /// Takes in how long a failure took: that counts only where it is longer than the estimate.
    #[inline]
    pub(super) fn at_least(&self, nanos: f32, now: u64, decay: Decay) {
        let now = decay.stamp(now);
        let nanos = nanos.max(1.0);
        self.0.change(now, |last| match last {
            None => Some(-nanos),
            Some((value, then)) => {
                let longer = nanos > value.abs() * decay.weight(then, now);
                longer.then_some(nanos.copysign(value))
            }
        });
    }
}

/// The share of recent answers that were failures, 0 to 1.
///
/// Each answer weighs a tenth, so that neither a single failure nor the rate of the traffic decides; and all fade with time, so that
/// an endpoint that gets no traffic any more is tried again.
#[derive(Debug)]
pub(super) struct FailureShare(Fading);

/// The weight of an answer.
const ANSWER: f32 = 0.1;
/// A share below is none. So an endpoint that only ever failed is at some time as good as any, and is tried again.
const NONE: f32 = 0.05;

impl FailureShare {
    pub(super) fn new() -> Self {
        Self(Fading::new())
    }

    #[inline]
    pub(super) fn read(&self, now: u64, decay: Decay) -> f32 {
        match self.0.read() {
            None => 0.0,
            Some((share, then)) => {
                let share = share * decay.weight(then, decay.stamp(now));
                if share < NONE { 0.0 } else { share }
            }
        }
    }

    #[inline]
    pub(super) fn observe(&self, failed: bool, now: u64, decay: Decay) {
        let now = decay.stamp(now);
        self.0.change(now, |last| {
            let (share, then) = match last {
                None if !failed => return None,
                None => (0.0, now),
                Some((share, _)) if share < NONE && !failed => return None,
                Some(last) => last,
            };
            let share = share * decay.weight(then, now);
            let answer = if failed { 1.0 } else { 0.0 };
            Some(share + (answer - share) * ANSWER)
        });
    }
}

/// Nanoseconds, as far as 64 bits reach: 584 years.
#[inline]
pub(super) fn nanos(duration: Duration) -> u64 {
    (duration.as_secs().saturating_mul(1_000_000_000))
        .saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests;

#[cfg(all(test, msa_loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_no_peak_is_lost_between_threads() {
        loom::model(|| {
            let decay = Decay::new(Duration::from_secs(10));
            let ewma = Arc::new(PeakEwma::new());
            let threads: Vec<_> = [3e6, 9e6]
                .into_iter()
                .map(|nanos| {
                    let ewma = ewma.clone();
                    thread::spawn(move || ewma.observe(nanos, 7, decay))
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(ewma.read(7, decay), Latency::Known(9e6));
        });
    }

    #[test]
    fn loom_every_failure_counts() {
        loom::model(|| {
            let decay = Decay::new(Duration::from_secs(10));
            let share = Arc::new(FailureShare::new());
            let other = share.clone();
            let thread = thread::spawn(move || other.observe(true, 7, decay));
            share.observe(true, 7, decay);
            thread.join().unwrap();
            assert!((share.read(7, decay) - 0.19).abs() < 1e-6);
        });
    }
}
