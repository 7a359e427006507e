//! gRPC's retry throttling.

use crate::config::RetryBudgetSettings;
use crate::sync::atomic::{AtomicU32, Ordering};

/// Tokens are counted in thousandths, as gRPC counts them.
const TOKEN: u32 = 1000;

/// The most tokens that gRPC allows.
const MOST: u32 = 1000;

/// The settings of a [`RetryThrottle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ThrottleConfig {
    max: u32,
    ratio: u32,
}

impl Default for ThrottleConfig {
    /// 10 tokens, and a tenth of one back for each success: the example of gRPC's own documentation.
    fn default() -> Self {
        Self {
            max: 10 * TOKEN,
            ratio: TOKEN / 10,
        }
    }
}

impl ThrottleConfig {
    /// How many tokens there are at most, and at first; 1 to 1000. Defaults to 10.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max = tokens.clamp(1, MOST) * TOKEN;
        self
    }

    /// What a success gives back, to the thousandth; 0.001 to 1000. Defaults to 0.1.
    // Casts: at most a million
    pub fn token_ratio(mut self, tokens: f64) -> Self {
        // Past the third decimal gRPC cuts off; a millionth lifts what binary fractions lose.
        let thousandths = (tokens * f64::from(TOKEN) + 1e-6).floor();
        self.ratio = thousandths.clamp(1.0, f64::from(MOST * TOKEN)) as u32;
        self
    }
}

impl From<&RetryBudgetSettings> for ThrottleConfig {
    fn from(settings: &RetryBudgetSettings) -> Self {
        Self::default()
            .max_tokens(settings.max_tokens)
            .token_ratio(settings.token_ratio)
    }
}

/// Lets retries through while the destination fails rarely enough.
///
/// Each failure that is worth a retry costs a token, each success gives `token_ratio` back, and retries (hedges too) are
/// made while **more than half** of the tokens are there. First attempts always are. gRFC A6,
/// <https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs>.
///
/// It knows no time: a destination that is hardly called stays throttled until calls succeed.
#[derive(Debug)]
pub struct RetryThrottle {
    tokens: AtomicU32,
    config: ThrottleConfig,
}

impl Default for RetryThrottle {
    fn default() -> Self {
        Self::new(ThrottleConfig::default())
    }
}

impl RetryThrottle {
    /// All tokens are there.
    #[must_use]
    pub fn new(config: ThrottleConfig) -> Self {
        Self {
            tokens: AtomicU32::new(config.max),
            config,
        }
    }

    /// An attempt went well.
    pub fn succeeded(&self) {
        let ThrottleConfig { max, ratio } = self.config;
        // Healthy destinations have all their tokens: then nothing is written.
        if self.tokens.load(Ordering::Relaxed) < max {
            self.change(|tokens| tokens.saturating_add(ratio).min(max));
        }
    }

    /// An attempt failed in a way that is worth a retry.
    pub fn failed(&self) {
        self.change(|tokens| tokens.saturating_sub(TOKEN));
    }

    /// Whether retries are made now: more than half of the tokens are there.
    #[must_use]
    pub fn allows_retry(&self) -> bool {
        self.tokens.load(Ordering::Acquire) > self.config.max / 2
    }

    /// The tokens that are there.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        f64::from(self.tokens.load(Ordering::Acquire)) / f64::from(TOKEN)
    }

    fn change(&self, to: impl Fn(u32) -> u32) {
        let mut tokens = self.tokens.load(Ordering::Relaxed);
        while let Err(now) = self.tokens.compare_exchange_weak(
            tokens,
            to(tokens),
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            tokens = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stop_at_half_of_the_tokens_and_return_above() {
        let config = ThrottleConfig::default().max_tokens(4).token_ratio(0.5);
        let throttle = RetryThrottle::new(config);
        throttle.failed();
        assert!(throttle.allows_retry());
        throttle.failed();
        assert!(!throttle.allows_retry(), "half is not more than half");
        throttle.succeeded();
        assert!(throttle.allows_retry());
    }

    #[test]
    fn tokens_stay_between_none_and_all() {
        let throttle = RetryThrottle::new(ThrottleConfig::default().max_tokens(3));
        for _ in 0..10 {
            throttle.failed();
        }
        assert!(throttle.tokens().abs() < f64::EPSILON);
        for _ in 0..100 {
            throttle.succeeded();
        }
        assert!((throttle.tokens() - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_ratio_is_exact_to_the_thousandth() {
        for (ratio, thousandths) in [(0.1, 100), (0.0005, 1), (0.1239, 123), (2.0, 2000)] {
            let config = ThrottleConfig::default().token_ratio(ratio);
            assert_eq!(config.ratio, thousandths, "{ratio}");
        }
    }
}
