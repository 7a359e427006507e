//! From the configuration.

use super::{RateLimitConfig, RateLimitKind};
use crate::config::{RateLimitKindName, RateLimitSettings};

impl RateLimitConfig {
    /// What the settings say; `None` when they have no rate.
    #[must_use]
    pub fn from_settings(settings: &RateLimitSettings) -> Option<Self> {
        let mut config = Self::gcra(settings.rate?).max_wait(settings.max_wait.get());
        config.kind = match settings.kind {
            RateLimitKindName::Gcra => RateLimitKind::Gcra,
            RateLimitKindName::Window => RateLimitKind::Window,
        };
        Some(match settings.burst {
            0 => config,
            burst => config.burst(burst),
        })
    }
}
