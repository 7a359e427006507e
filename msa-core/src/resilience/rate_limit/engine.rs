//! The two ways to count, over either store.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;

use super::passed::{self, Passed};
use super::store::{Lapse, Shared, Store};
use super::{Limited, Quota, RateLimitConfig, RateLimitKind};
use crate::clock::Instant;

/// One rate over one store.
pub(super) struct Engine<S: Store> {
    config: RateLimitConfig,
    store: Arc<S>,
    born: Instant,
    /// Nanoseconds in which all permits come back.
    period: u64,
    kind: Kind<S>,
}

enum Kind<S: Store> {
    /// A rate of zero.
    Nothing,
    Gcra {
        limiter: RateLimiter<u64, Shared<S>, Passed, NoOpMiddleware<Nanos>>,
        /// Nanoseconds in which one permit comes back.
        each: u64,
        burst: u32,
    },
    Window {
        amount: u64,
    },
}

impl<S: Store> Engine<S> {
    pub(super) fn new(config: RateLimitConfig, store: Arc<S>, born: Instant) -> Self {
        let period = nanos(config.rate.per()).max(1);
        let kind = match (NonZeroU32::new(config.amount()), config.kind) {
            (None, _) => Kind::Nothing,
            (Some(amount), RateLimitKind::Window) => Kind::Window {
                amount: amount.get().into(),
            },
            (Some(amount), RateLimitKind::Gcra) => {
                gcra(&config, period, amount, &store).unwrap_or(Kind::Nothing)
            }
        };
        Self {
            config,
            store,
            born,
            period,
            kind,
        }
    }

    pub(super) fn config(&self) -> &RateLimitConfig {
        &self.config
    }

    pub(super) fn store(&self) -> &S {
        &self.store
    }

    pub(super) fn lapse(&self, now: Instant) -> Lapse {
        Lapse {
            now: nanos(now.saturating_duration_since(self.born)),
            amount: self.config.amount().into(),
            period: self.period,
        }
    }

    /// Takes so many permits of now or of the next `max_wait`; says how long to wait before using them.
    #[inline]
    pub(super) fn reserve(
        &self,
        key: u64,
        permits: NonZeroU32,
        max_wait: Duration,
        now: Instant,
    ) -> Result<Duration, Limited> {
        let moment = nanos(now.saturating_duration_since(self.born));
        let taken = match &self.kind {
            Kind::Nothing => Err(None),
            Kind::Gcra { limiter, .. } => {
                reserve_gcra(limiter, key, permits, nanos(max_wait), moment)
            }
            Kind::Window { amount } => {
                let (amount, period) = (*amount, self.period);
                self.store.measure_and_replace(&key, |taken| {
                    let taken = taken.map_or(0, Nanos::as_u64);
                    reserve_window(taken, amount, period, permits, nanos(max_wait), moment)
                        .map(|(wait, taken)| (wait, Nanos::new(taken)))
                })
            }
        };
        taken.map(Duration::from_nanos).map_err(|wait| Limited {
            retry_after: wait.map(Duration::from_nanos),
            quota: self.quota(key, now),
        })
    }

    /// What is left for a key. Changes nothing.
    pub(super) fn quota(&self, key: u64, now: Instant) -> Quota {
        let now = nanos(now.saturating_duration_since(self.born));
        let (limit, window, remaining, wait, reset) = match &self.kind {
            Kind::Nothing => (0, self.period, 0, self.period, self.period),
            Kind::Gcra { each, burst, .. } => {
                let full_at = self.store.read(key).unwrap_or(0).max(now);
                let owed = i64::try_from((full_at - now).div_ceil(*each)).unwrap_or(i64::MAX);
                let window = each.saturating_mul(u64::from(*burst));
                let wait = (full_at - now).saturating_sub(window - each);
                let remaining = i64::from(*burst).saturating_sub(owed);
                (*burst, window, remaining, wait, full_at - now)
            }
            Kind::Window { amount } => {
                let cycle = now / self.period;
                let begin = cycle.saturating_mul(*amount);
                let taken = self.store.read(key).unwrap_or(0).max(begin);
                let end = begin.saturating_add(*amount);
                let remaining = i64::try_from(i128::from(end) - i128::from(taken));
                let next = (cycle + 1).saturating_mul(self.period) - now;
                let one = reserve_window(taken, *amount, self.period, ONE, u64::MAX, now);
                let wait = one.map_or(0, |(wait, _)| wait);
                let limit = u32::try_from(*amount).unwrap_or(u32::MAX);
                (
                    limit,
                    self.period,
                    remaining.unwrap_or(i64::MIN),
                    wait,
                    next,
                )
            }
        };
        Quota {
            limit,
            window: Duration::from_nanos(window),
            remaining,
            wait: Duration::from_nanos(wait),
            reset: Duration::from_nanos(reset),
        }
    }
}

pub(super) const ONE: NonZeroU32 = NonZeroU32::MIN;

/// The longest time in which a whole burst may come back, about 73 years: governor's sums of it stay within 64 bits.
const LONGEST: u64 = 1 << 61;

fn gcra<S: Store>(
    config: &RateLimitConfig,
    period: u64,
    amount: NonZeroU32,
    store: &Arc<S>,
) -> Option<Kind<S>> {
    let each = (period / u64::from(amount.get())).clamp(1, LONGEST);
    let burst = config.burst.unwrap_or(amount.get());
    let burst = u32::try_from((LONGEST / each).min(burst.into())).unwrap_or(u32::MAX);
    let quota = governor::Quota::with_period(Duration::from_nanos(each))?;
    let quota = quota.allow_burst(NonZeroU32::new(burst)?);
    let limiter = passed::at(0, || RateLimiter::new(quota, Shared(store.clone()), Passed));
    Some(Kind::Gcra {
        limiter,
        each,
        burst,
    })
}

/// A check at the moment at which it will succeed books the permit: who comes later finds it gone.
#[inline]
fn reserve_gcra<S: Store>(
    limiter: &RateLimiter<u64, Shared<S>, Passed, NoOpMiddleware<Nanos>>,
    key: u64,
    permits: NonZeroU32,
    max_wait: u64,
    now: u64,
) -> Result<u64, Option<u64>> {
    let mut at = now;
    loop {
        match passed::at(at, || limiter.check_key_n(&key, permits)) {
            Ok(Ok(())) => return Ok(at - now),
            Ok(Err(not_until)) => {
                let earliest = not_until.earliest_possible().as_u64();
                let wait = earliest.saturating_sub(now);
                if wait > max_wait {
                    return Err(Some(wait));
                }
                at = earliest;
            }
            Err(_more_than_the_burst) => return Err(None),
        }
    }
}

/// `taken` counts permits from the beginning of time, those of past periods as all taken. So one number says it all: period `c`
/// owns the permits from `c × amount` on.
#[inline]
fn reserve_window(
    taken: u64,
    amount: u64,
    period: u64,
    permits: NonZeroU32,
    max_wait: u64,
    now: u64,
) -> Result<(u64, u64), Option<u64>> {
    let cycle = now / period;
    let taken = taken.max(cycle.saturating_mul(amount));
    let next = taken.saturating_add(permits.get().into());
    let last_permit_is_of = (next - 1) / amount;
    let wait = if last_permit_is_of <= cycle {
        0
    } else {
        last_permit_is_of.saturating_mul(period).saturating_sub(now)
    };
    if wait > max_wait {
        return Err(Some(wait));
    }
    Ok((wait, next))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl<S: Store> fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
