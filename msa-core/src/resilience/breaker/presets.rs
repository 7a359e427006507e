//! Rules that behave as those of other libraries, for who moves over and wants no surprise.

use std::time::Duration;

use super::config::{BreakerConfig, HalfOpen, Judge, OpenTime, Stuck, TrialRule};
use crate::config::Percent;
use crate::resilience::window::Window;

impl BreakerConfig {
    /// As MicroProfile Fault Tolerance's `@CircuitBreaker`: a window over the last 20 calls, judged with every call as soon as
    /// it is full; 50 % failures open it for 5 s; one successful trial closes it, one failed trial reopens it.
    ///
    /// See <https://github.com/eclipse/microprofile-fault-tolerance>. [`with_volume`](Self::with_volume) and
    /// [`with_success_threshold`](Self::with_success_threshold) set `requestVolumeThreshold` and `successThreshold`.
    #[must_use]
    pub fn microprofile() -> Self {
        Self {
            window: Window::Count { size: 20 },
            min_calls: 20,
            judge: Judge::AnyCall,
            open: OpenTime::fixed(Duration::from_secs(5)),
            half_open: HalfOpen {
                max_wait: None,
                ..HalfOpen::single()
            },
            ..Self::bare()
        }
    }

    /// As resilience4j's `CircuitBreaker`: a window over the last 100 calls, judged with every call once 100 are in it; 50 %
    /// failures or 100 % calls of 60 s open it for 60 s; 10 trial calls, judged together by the same rates.
    ///
    /// See <https://resilience4j.readme.io/docs/circuitbreaker>. resilience4j looks at rates in half-open as soon as the smaller of
    /// `minimumNumberOfCalls` and the permits have reported: [`with_trials`](Self::with_trials) sets both.
    #[must_use]
    pub fn resilience4j() -> Self {
        Self {
            window: Window::Count { size: 100 },
            min_calls: 100,
            slow_after: Some(Duration::from_secs(60)),
            slow_rate: Some(Percent::ALL),
            judge: Judge::AnyCall,
            open: OpenTime::fixed(Duration::from_secs(60)),
            ..Self::bare()
        }
        .with_trials(10)
    }

    /// As Polly's advanced circuit breaker: 10 % failures of at least 100 calls in 30 s open it for 5 s, and only a
    /// failure can; then one trial call decides, and while it does not come back, another is let through once each break.
    ///
    /// See <https://www.pollydocs.org/strategies/circuit-breaker.html>. [`with_break`](Self::with_break) sets `BreakDuration`.
    #[must_use]
    pub fn polly() -> Self {
        Self {
            window: Window::Time {
                length: Duration::from_secs(30),
                buckets: 10,
            },
            failure_rate: Some(Percent::new(10)),
            min_calls: 100,
            judge: Judge::Failures,
            half_open: HalfOpen {
                stuck: Stuck::Readmit,
                ..HalfOpen::single()
            },
            ..Self::bare()
        }
        .with_break(Duration::from_secs(5))
    }

    /// As Hystrix: 50 % failures of at least 20 calls in 10 s, judged at each health snapshot of 500 ms, open it for 5 s; one
    /// trial call decides, and reopens it also when it is cancelled.
    ///
    /// See <https://github.com/Netflix/Hystrix/wiki/How-it-Works#circuit-breaker>.
    #[must_use]
    pub fn hystrix() -> Self {
        Self {
            judge: Judge::Every(Duration::from_millis(500)),
            open: OpenTime::fixed(Duration::from_secs(5)),
            half_open: HalfOpen {
                max_wait: None,
                cancelled_reopens: true,
                ..HalfOpen::single()
            },
            ..Self::bare()
        }
    }

    /// As the `CircuitBreaker` of failsafe for Java: one failure of one call opens it for a minute, and one trial decides.
    ///
    /// See <https://failsafe.dev/circuit-breaker>. [`with_failure_threshold`](Self::with_failure_threshold) and
    /// [`with_success_thresholds`](Self::with_success_thresholds) set its n-of-m thresholds, in this order.
    #[must_use]
    pub fn failsafe_java() -> Self {
        Self {
            judge: Judge::AnyCall,
            open: OpenTime::fixed(Duration::from_secs(60)),
            half_open: HalfOpen {
                max_wait: None,
                ..HalfOpen::single()
            },
            ..Self::bare()
        }
        .with_failure_threshold(1, 1)
    }

    /// The rate of the defaults, and none of the other rules.
    fn bare() -> Self {
        Self {
            consecutive_connect_failures: None,
            ..Self::default()
        }
    }

    /// A window over the last so many calls, judged when it is full.
    #[must_use]
    pub fn with_volume(mut self, calls: u32) -> Self {
        self.window = Window::Count { size: calls };
        self.min_calls = calls;
        self
    }

    /// So many successful trials close it, one failed trial reopens it.
    #[must_use]
    pub fn with_success_threshold(mut self, successes: u32) -> Self {
        self.half_open.permits = successes;
        self.half_open.at_once = successes;
        self.half_open.rule = TrialRule::AllSucceed;
        self
    }

    /// So many trial calls, judged together by the rates of the closed state, as soon as `min_calls` or all of them have ended.
    #[must_use]
    pub fn with_trials(mut self, permits: u32) -> Self {
        let results = permits.min(self.min_calls);
        self.half_open = HalfOpen {
            permits,
            at_once: permits,
            rule: TrialRule::Rate { results },
            max_wait: None,
            ..HalfOpen::default()
        };
        self
    }

    /// Opens for this time, and lets a trial call through each such time.
    #[must_use]
    pub fn with_break(mut self, time: Duration) -> Self {
        self.open = OpenTime::fixed(time);
        self.half_open.max_wait = Some(time);
        self
    }

    /// Opens when so many of the last so many calls failed; trial calls are judged by the same numbers.
    #[must_use]
    pub fn with_failure_threshold(mut self, failures: u32, calls: u32) -> Self {
        self.window = Window::Count { size: calls };
        self.failure_rate = None;
        self.failures = Some(failures);
        self.min_calls = 1;
        // As many successes as leave no room for the failures.
        let successes = calls.saturating_sub(failures).saturating_add(1);
        self.with_thresholds(successes, failures, calls)
    }

    /// Closes when so many of so many trial calls succeeded, and reopens when that cannot be reached any more.
    #[must_use]
    pub fn with_success_thresholds(self, successes: u32, calls: u32) -> Self {
        let failures = calls.saturating_sub(successes).saturating_add(1);
        self.with_thresholds(successes, failures, calls)
    }

    fn with_thresholds(mut self, successes: u32, failures: u32, at_once: u32) -> Self {
        // The permits of failsafe are for calls in flight: one that has ended makes room for another.
        self.half_open.permits = u32::MAX;
        self.half_open.at_once = at_once;
        self.half_open.rule = TrialRule::Thresholds {
            successes,
            failures,
        };
        self
    }
}
