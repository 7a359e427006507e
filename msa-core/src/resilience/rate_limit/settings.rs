//! From the configuration.

use super::{RateLimitConfig, RateLimitKind};
use crate::config::{Rate, RateLimitKindName, RateLimitSettings, ServerRateLimitSettings};

impl RateLimitConfig {
    /// What the settings say; `None` when they have no rate, or are not enabled.
    #[must_use]
    pub fn from_settings(settings: &RateLimitSettings) -> Option<Self> {
        let rate = settings.rate.filter(|_| settings.enabled)?;
        let config = Self::named(rate, settings.kind, settings.burst);
        Some(config.max_wait(settings.max_wait.get()))
    }

    /// The same of a server, where nobody waits.
    #[must_use]
    pub fn from_server_settings(settings: &ServerRateLimitSettings) -> Option<Self> {
        let rate = settings.rate?;
        Some(Self::named(rate, settings.kind, settings.burst))
    }

    fn named(rate: Rate, kind: RateLimitKindName, burst: u32) -> Self {
        let mut config = Self::gcra(rate);
        config.kind = match kind {
            RateLimitKindName::Gcra => RateLimitKind::Gcra,
            RateLimitKindName::Window => RateLimitKind::Window,
        };
        match burst {
            0 => config,
            burst => config.burst(burst),
        }
    }
}
