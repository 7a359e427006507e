//! The rules in force, with the window that they ask for.

use std::sync::Arc;
use std::time::Duration;

use super::{BreakerConfig, Judge};
use crate::resilience::window::{self, Window};

/// Rules made sound, and their window; exchanged as a whole when settings change.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) config: BreakerConfig,
    pub(super) window: Arc<window::Kind>,
}

impl Rules {
    pub(super) fn new(config: BreakerConfig) -> Self {
        let config = sound(config);
        Self {
            window: Arc::new(window::Kind::new(config.window, config.keep_time)),
            config,
        }
    }

    /// Other rules over the same window, where they want the same.
    pub(super) fn followed_by(&self, config: BreakerConfig) -> Self {
        let config = sound(config);
        if config.window != self.config.window || config.keep_time != self.config.keep_time {
            return Self::new(config);
        }
        Self {
            window: Arc::clone(&self.window),
            config,
        }
    }

    /// The time between two judgements in nanoseconds, if the window is judged by time.
    pub(super) fn interval(&self) -> Option<u64> {
        match self.config.judge {
            Judge::Every(interval) => Some(nanos(interval).max(1_000_000)),
            Judge::Failures | Judge::AnyCall => None,
        }
    }
}

pub(super) fn sound(mut config: BreakerConfig) -> BreakerConfig {
    config.min_calls = config.min_calls.max(1);
    if let Window::Count { size } = config.window {
        config.min_calls = config.min_calls.min(size.max(1));
    }
    config
}

/// A time in nanoseconds, at most 584 years.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
