//! How long to wait before the next attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::draw::Draws;
use crate::config::{BackoffKind, BackoffSettings};

/// The waits between the attempts of one call.
///
/// They grow, so that a destination in trouble gets room, and are spread by chance, so that those who failed together do
/// not come back together. Full jitter spreads best and loads least
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), so it is the default, from 25 ms to 1 s as
/// Envoy has it.
///
/// | made by | the wait before retry n (0 is the first) |
/// | --- | --- |
/// | [`full_jitter`](Self::full_jitter) | any time up to `base`·2ⁿ |
/// | [`decorrelated`](Self::decorrelated) | any time from `base` to three times the last wait |
/// | [`exponential`](Self::exponential) | `base`·`factor`ⁿ |
/// | [`linear`](Self::linear) | `base` + `step`·n |
/// | [`fixed`](Self::fixed) | `base` |
/// | [`none`](Self::none) | nothing |
/// | [`from_iter_fn`](Self::from_iter_fn) | what an iterator says, until it ends: then there is no further retry |
///
/// No wait is longer than [`max`](Self::max), whatever the formula and however high n: nothing overflows.
///
/// ```
/// use std::time::Duration;
/// use msa_core::resilience::retry::Backoff;
///
/// let ms = Duration::from_millis;
/// let waits: Vec<_> = Backoff::exponential(ms(2), 2.0).max(ms(15)).delays(1).take(5).collect();
/// assert_eq!(waits, [ms(2), ms(4), ms(8), ms(15), ms(15)]);
///
/// // Any iterator will do, for example one of the failsafe crate's.
/// let backoff = Backoff::from_iter_fn(move || [ms(10), ms(20)]);
/// assert_eq!(backoff.delays(1).count(), 2);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Backoff {
    growth: Growth,
    jitter: Jitter,
    max: Duration,
}

/// How a wait is spread.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// Not at all: for tests, and where only one client waits.
    None,
    /// Any time up to the wait.
    Full,
    /// Any time from half of the wait to the wait.
    Equal,
    /// This share more or less, 0 to 1: 0.25 is ± 25 % (Polly's jitter, and resilience4j's randomization factor).
    Share(f64),
    /// This time more or less, never below zero (MicroProfile's `jitter`).
    Around(Duration),
    /// Any time from the first wait to three times the last one.
    Decorrelated,
}

#[derive(Clone)]
enum Growth {
    Exponential { base: Duration, factor: f64 },
    Linear { base: Duration, step: Duration },
    Custom(Arc<dyn Fn() -> Waits + Send + Sync>),
}

type Waits = Box<dyn Iterator<Item = Duration> + Send>;

impl Default for Backoff {
    fn default() -> Self {
        Self::full_jitter(Duration::from_millis(25), Duration::from_secs(1))
    }
}

impl From<&BackoffSettings> for Backoff {
    fn from(settings: &BackoffSettings) -> Self {
        let (base, max) = (settings.base.get(), settings.max.get());
        match settings.kind {
            BackoffKind::FullJitter => Self::full_jitter(base, max),
            BackoffKind::EqualJitter => Self::full_jitter(base, max).jitter(Jitter::Equal),
            BackoffKind::Decorrelated => Self::decorrelated(base, max),
            BackoffKind::Exponential => Self::exponential(base, 2.0).max(max),
            BackoffKind::Fixed => Self::fixed(base).max(max),
        }
    }
}

impl Backoff {
    /// No wait.
    pub const fn none() -> Self {
        Self::fixed(Duration::ZERO)
    }

    /// Always the same wait.
    pub const fn fixed(wait: Duration) -> Self {
        Self::linear(wait, Duration::ZERO)
    }

    /// Each wait longer than the one before by `step`.
    pub const fn linear(base: Duration, step: Duration) -> Self {
        Self {
            growth: Growth::Linear { base, step },
            jitter: Jitter::None,
            max: Duration::MAX,
        }
    }

    /// Each wait `factor` times the one before. A factor that is no number, or negative, is 1.
    pub fn exponential(base: Duration, factor: f64) -> Self {
        let factor = if factor >= 0.0 { factor } else { 1.0 };
        Self {
            growth: Growth::Exponential { base, factor },
            jitter: Jitter::None,
            max: Duration::MAX,
        }
    }

    /// Any time up to twice the limit of the one before, at most `max`.
    pub fn full_jitter(base: Duration, max: Duration) -> Self {
        Self::exponential(base, 2.0).jitter(Jitter::Full).max(max)
    }

    /// Any time from `base` to three times the last wait, at most `max`.
    pub fn decorrelated(base: Duration, max: Duration) -> Self {
        Self::fixed(base).jitter(Jitter::Decorrelated).max(max)
    }

    /// What an iterator says; each call asks for a new one, at its first retry. Where it ends, there is no further retry.
    pub fn from_iter_fn<I>(waits: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item = Duration>,
        I::IntoIter: Send + 'static,
    {
        Self {
            growth: Growth::Custom(Arc::new(move || Box::new(waits().into_iter()))),
            jitter: Jitter::None,
            max: Duration::MAX,
        }
    }

    /// How the waits are spread. Defaults to what the constructor's name says.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The longest wait. Defaults to no limit, where the constructor asks for none.
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// The wait before a retry: `retry` counts from 0, `last` is the wait before the one before (zero at first), and
    /// `chance` was drawn evenly from 0 to 1.
    ///
    /// [`from_iter_fn`](Self::from_iter_fn) has no formula, so there it is the maximum; its waits come from
    /// [`delays`](Self::delays).
    #[must_use]
    pub fn delay(&self, retry: u32, last: Duration, chance: f64) -> Duration {
        let n = f64::from(retry);
        let (first, grown) = match &self.growth {
            Growth::Exponential { base, factor } => {
                let first = nanos(*base);
                (first, first * factor.powf(n))
            }
            Growth::Linear { base, step } => (nanos(*base), nanos(*base) + nanos(*step) * n),
            Growth::Custom(_) => (nanos(self.max), nanos(self.max)),
        };
        self.spread(first, grown, last, chance)
    }

    fn spread(&self, first: f64, grown: f64, last: Duration, chance: f64) -> Duration {
        let max = nanos(self.max);
        // Nothing times infinity: a wait of nothing stays nothing however often it is doubled.
        let grown = if grown.is_nan() { 0.0 } else { grown.min(max) };
        let chance = chance.clamp(0.0, 1.0);
        let wait = match self.jitter {
            Jitter::None => grown,
            Jitter::Full => grown * chance,
            Jitter::Equal => grown / 2.0 * (1.0 + chance),
            Jitter::Share(share) => grown * (1.0 + share * (2.0 * chance - 1.0)),
            Jitter::Around(time) => grown + nanos(time) * (2.0 * chance - 1.0),
            Jitter::Decorrelated => {
                let upper = (nanos(last).max(first) * 3.0).min(max).max(first);
                first + (upper - first) * chance
            }
        };
        if wait >= max {
            return self.max;
        }
        Duration::try_from_secs_f64(wait.max(0.0) / 1e9).unwrap_or(self.max)
    }

    /// The waits of one call, one after the other; endless unless an iterator of the user's ends.
    #[must_use]
    pub fn delays(&self, seed: u64) -> Delays {
        Delays {
            course: Course::default(),
            backoff: self.clone(),
            draws: Draws::new(seed),
        }
    }
}

// Casts: exact up to 104 days
fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// How far along its waits a call is.
#[derive(Default)]
pub(super) struct Course {
    retry: u32,
    last: Duration,
    waits: Option<Waits>,
}

impl Course {
    /// The next wait; `None` when there is to be no further retry.
    pub(super) fn next(&mut self, backoff: &Backoff, chance: f64) -> Option<Duration> {
        let n = self.retry;
        let wait = match &backoff.growth {
            Growth::Custom(waits) => {
                let waits = self.waits.get_or_insert_with(|| waits());
                let said = nanos(waits.next()?.min(backoff.max));
                backoff.spread(said, said, self.last, chance)
            }
            _ => backoff.delay(n, self.last, chance),
        };
        self.retry = n.saturating_add(1);
        self.last = wait;
        Some(wait)
    }

    /// Begins anew, as gRPC does once a server has said how long to wait.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Course")
            .field("retry", &self.retry)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// The waits of one call: made by [`Backoff::delays`].
#[derive(Debug)]
pub struct Delays {
    backoff: Backoff,
    course: Course,
    draws: Draws,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.course.next(&self.backoff, self.draws.draw())
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Backoff");
        match &self.growth {
            Growth::Exponential { base, factor } => {
                debug.field("base", base).field("factor", factor)
            }
            Growth::Linear { base, step } => debug.field("base", base).field("step", step),
            Growth::Custom(_) => debug.field("waits", &format_args!("an iterator's")),
        };
        debug
            .field("jitter", &self.jitter)
            .field("max", &self.max)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn full_jitter_takes_any_time_up_to_twice_the_limit_before() {
        let backoff = Backoff::default();
        for (retry, limit) in [
            (0, 25),
            (1, 50),
            (2, 100),
            (5, 800),
            (6, 1000),
            (4_000_000_000, 1000),
        ] {
            assert_eq!(backoff.delay(retry, Duration::ZERO, 1.0), ms(limit));
            assert_eq!(backoff.delay(retry, Duration::ZERO, 0.0), Duration::ZERO);
        }
    }

    #[test]
    fn decorrelated_waits_follow_the_last_one() {
        let backoff = Backoff::decorrelated(ms(10), ms(200));
        assert_eq!(backoff.delay(0, Duration::ZERO, 1.0), ms(30));
        assert_eq!(backoff.delay(1, ms(30), 1.0), ms(90));
        assert_eq!(backoff.delay(1, ms(30), 0.0), ms(10));
        assert_eq!(backoff.delay(2, ms(90), 1.0), ms(200));
    }

    #[test]
    fn spreads_stay_around_the_wait() {
        let around = |jitter, chance| {
            Backoff::fixed(ms(100))
                .jitter(jitter)
                .delay(0, ms(0), chance)
        };
        assert_eq!(around(Jitter::Equal, 0.0), ms(50));
        assert_eq!(around(Jitter::Share(0.25), 0.0), ms(75));
        assert_eq!(around(Jitter::Share(0.25), 1.0), ms(125));
        assert_eq!(around(Jitter::Around(ms(150)), 0.0), ms(0));
        assert_eq!(around(Jitter::Around(ms(150)), 1.0), ms(250));
    }

    #[test]
    fn the_waits_follow_from_the_seed_and_differ_between_seeds() {
        let waits = |seed| Backoff::default().delays(seed).take(8).collect::<Vec<_>>();
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest_and_none_panics(
            base: u64, factor in -10.0..1e300_f64, step: u64, max: u64, retry: u32, last: u64,
            chance in -1.0..2.0_f64, share in 0.0..1.0_f64, which in 0..6_u8,
        ) {
            let of = Duration::from_nanos;
            let jitter = match which {
                0 => Jitter::None,
                1 => Jitter::Full,
                2 => Jitter::Equal,
                3 => Jitter::Share(share),
                4 => Jitter::Around(of(last)),
                _ => Jitter::Decorrelated,
            };
            for backoff in [
                Backoff::exponential(of(base), factor),
                Backoff::linear(of(base), of(step)),
                Backoff::from_iter_fn(move || [of(base)]),
            ] {
                let backoff = backoff.jitter(jitter);
                let _any = backoff.delay(retry, of(last), chance);
                let capped = backoff.max(of(max));
                prop_assert!(capped.delay(retry, of(last), chance) <= of(max));
                prop_assert!(capped.delays(1).take(3).all(|wait| wait <= of(max)));
            }
        }
    }
}
