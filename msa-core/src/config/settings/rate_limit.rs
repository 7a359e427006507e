//! `client.rate_limit`: how many calls are made a time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Rate, Span};

/// How many calls are made a time: `resilience::rate_limit`, which needs the feature `rate-limit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// Whether calls are counted and refused.
    pub enabled: bool,
    /// Calls a time. None by default: there is no limit.
    pub rate: Option<Rate>,
    /// Calls that may be made at once, for `gcra`; 0 is as many as the rate's amount.
    pub burst: u32,
    /// How the permits come back.
    pub kind: RateLimitKindName,
    /// The longest that a call waits for its turn.
    pub max_wait: Span,
    /// Whether it only reports what it would refuse. Nobody waits then.
    pub dark: bool,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            rate: None,
            burst: 0,
            kind: RateLimitKindName::Gcra,
            max_wait: Span::ZERO,
            dark: false,
        }
    }
}

/// How permits come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum RateLimitKindName {
    /// One by one, evenly.
    #[default]
    Gcra,
    /// All together at the start of each period.
    Window,
}
