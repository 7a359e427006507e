//! From the configuration.

use super::{RateLimitConfig, RateLimitKind};
use crate::config::{RateLimitKindName, RateLimitSettings};

impl RateLimitConfig {
    /// What the settings say; `None` when they have no rate, or are not enabled.
    #[must_use]
    pub fn from_settings(settings: &RateLimitSettings) -> Option<Self> {
        let rate = settings.rate.filter(|_| settings.enabled)?;
        let mut config = Self::gcra(rate).max_wait(settings.max_wait.get());
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
