//! The rules that a breaker judges by.

use std::time::Duration;

use crate::config::Percent;
use crate::resilience::window::Window;

/// When a breaker opens, for how long, and how it closes again.
///
/// `BreakerConfig::default()` holds the documented defaults. Change the fields that should differ:
///
/// ```
/// use std::time::Duration;
/// use msa_core::config::Percent;
/// use msa_core::resilience::breaker::{Breaker, BreakerConfig};
///
/// let mut config = BreakerConfig::default();
/// config.failure_rate = Some(Percent::new(25));
/// config.open.first = Duration::from_secs(1);
/// let breaker = Breaker::new(config);
/// # let _ = breaker;
/// ```
///
/// Four presets behave as other libraries do: [`microprofile`](Self::microprofile), [`resilience4j`](Self::resilience4j),
/// [`polly`](Self::polly), [`hystrix`](Self::hystrix), and with [`failsafe_java`](Self::failsafe_java) five.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BreakerConfig {
    /// Which calls are judged together. Defaults to 10 s in 10 buckets.
    pub window: Window,
    /// Opens when at least this share of the calls in the window failed. Defaults to 50 %. `None`: never for that.
    pub failure_rate: Option<Percent>,
    /// How many calls the window must hold before rates are looked at, at least 1; of a count window never more than it
    /// holds. Defaults to 20.
    pub min_calls: u32,
    /// Opens when so many calls in the window failed, and `min_calls` are in it. Defaults to `None`.
    pub failures: Option<u32>,
    /// A call that takes so long or longer is slow. Defaults to `None`: none is.
    pub slow_after: Option<Duration>,
    /// Opens when at least this share of the calls in the window was slow. Defaults to `None`.
    pub slow_rate: Option<Percent>,
    /// Opens after so many failures in a row, of any kind, whatever the window says. Defaults to `None`.
    pub consecutive_failures: Option<u32>,
    /// Opens after so many failures to connect in a row. Defaults to 5.
    pub consecutive_connect_failures: Option<u32>,
    /// When the window is judged. Defaults to [`Judge::Failures`].
    pub judge: Judge,
    /// For how long it opens.
    pub open: OpenTime,
    /// How it closes again.
    pub half_open: HalfOpen,
    /// Whether the time that calls take is summed up for [`Metrics`](super::Metrics). It takes a lock a call. Defaults to `false`.
    pub keep_time: bool,
}

/// When the window is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Judge {
    /// With every call that failed or was slow: a success never opens a breaker.
    #[default]
    Failures,
    /// With every call, so that a success may open it too, when it is the one that makes `min_calls` complete.
    AnyCall,
    /// At the end of each such time, and not in between. Told lazily: the first call after that end finds the breaker as if it had
    /// been judged then.
    Every(Duration),
}

/// For how long a breaker opens.
///
/// The k-th time in a row it opens for `first` · `factor`^(k-1), at most `max`, and up to `jitter` of that longer, so that
/// the processes of a fleet do not all try again in the same moment. Closing begins anew.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct OpenTime {
    /// The first time. Defaults to 5 s.
    pub first: Duration,
    /// What each further time is multiplied by, at least 1. Defaults to 2.
    pub factor: f64,
    /// The longest, before jitter. Defaults to 60 s.
    pub max: Duration,
    /// How much longer it may be by chance. Defaults to 10 %.
    pub jitter: Percent,
}

impl OpenTime {
    /// Always the same time.
    #[must_use]
    pub fn fixed(time: Duration) -> Self {
        Self {
            first: time,
            factor: 1.0,
            max: time,
            jitter: Percent::ZERO,
        }
    }

    /// The time when it opens for the `nth` time in a row, from 1; `chance` is from 0 to 1.
    pub(super) fn nth(&self, nth: u32, chance: f64) -> Duration {
        let power = i32::try_from(nth.saturating_sub(1)).unwrap_or(i32::MAX);
        let secs = self.first.as_secs_f64() * self.factor.max(1.0).powi(power);
        let base = Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX);
        let base = base.min(self.max.max(self.first));
        // Nothing is drawn into the number where nothing is to be: 5 s stay 5,000,000,000 ns.
        if self.jitter.is_zero() {
            return base;
        }
        let more = base.as_secs_f64() * self.jitter.fraction() * chance;
        base.saturating_add(Duration::try_from_secs_f64(more).unwrap_or(Duration::ZERO))
    }
}

impl Default for OpenTime {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            factor: 2.0,
            max: Duration::from_secs(60),
            jitter: Percent::new(10),
        }
    }
}

/// How a breaker that was open closes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HalfOpen {
    /// How many trial calls are let through before the judgement, at least 1. One that is ignored or cancelled gives its
    /// permit back. Defaults to 3.
    pub permits: u32,
    /// How many of them may run at the same time, at least 1. Defaults to 3.
    pub at_once: u32,
    /// What is made of their results. Defaults to [`TrialRule::AllSucceed`].
    pub rule: TrialRule,
    /// The longest to wait for the trials. Defaults to 60 s. `None`: for ever, which a call that never ends can make true.
    pub max_wait: Option<Duration>,
    /// What happens then. Defaults to [`Stuck::Reopen`].
    pub stuck: Stuck,
    /// Whether a trial that is cancelled reopens the breaker, instead of giving its permit back. Defaults to `false`.
    pub cancelled_reopens: bool,
}

impl HalfOpen {
    /// One trial call that decides.
    #[must_use]
    pub fn single() -> Self {
        Self {
            permits: 1,
            at_once: 1,
            ..Self::default()
        }
    }
}

impl Default for HalfOpen {
    fn default() -> Self {
        Self {
            permits: 3,
            at_once: 3,
            rule: TrialRule::AllSucceed,
            max_wait: Some(Duration::from_secs(60)),
            stuck: Stuck::Reopen,
            cancelled_reopens: false,
        }
    }
}

/// What is made of the results of trial calls.
///
/// Where [`slow_rate`](BreakerConfig::slow_rate) is set, a slow trial counts as a failed one, except for [`Rate`](Self::Rate), which
/// looks at both rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrialRule {
    /// As many successes as there are permits close it, the first failure reopens it.
    AllSucceed,
    /// So many successes close it, so many failures reopen it; at least 1 each.
    Thresholds {
        /// Successes that close it.
        successes: u32,
        /// Failures that reopen it.
        failures: u32,
    },
    /// After so many results the rates of the closed state decide: reached, it reopens; else it closes. At least 1.
    Rate {
        /// Results to wait for.
        results: u32,
    },
}

/// What happens to a breaker whose trial calls do not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuck {
    /// It opens again.
    Reopen,
    /// It stays half-open, and new trial calls are let through; the old ones are late.
    Readmit,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: Window::default(),
            failure_rate: Some(Percent::new(50)),
            min_calls: 20,
            failures: None,
            slow_after: None,
            slow_rate: None,
            consecutive_failures: None,
            consecutive_connect_failures: Some(5),
            judge: Judge::default(),
            open: OpenTime::default(),
            half_open: HalfOpen::default(),
            keep_time: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_in_a_row_doubles_up_to_the_longest_and_jitter_only_adds() {
        let open = OpenTime::default();
        let secs = |nth| open.nth(nth, 0.0).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 4000].map(secs),
            [5, 10, 20, 40, 60, 60, 60]
        );
        let most = open.nth(1, 1.0);
        assert!(most > Duration::from_millis(5499) && most <= Duration::from_millis(5501));
    }

    #[test]
    fn odd_numbers_make_no_panic() {
        let mut open = OpenTime::fixed(Duration::MAX);
        open.factor = f64::NAN;
        open.jitter = Percent::ALL;
        assert_eq!(open.nth(u32::MAX, 1.0), Duration::MAX);
        open.first = Duration::ZERO;
        open.factor = f64::INFINITY;
        assert!(open.nth(3, 0.5) <= Duration::MAX);
    }
}
