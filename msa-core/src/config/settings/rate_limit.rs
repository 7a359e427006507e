//! `client.rate_limit` and `server.rate_limit`: how many calls are made a time, and how many requests are taken.

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

/// How many requests the server takes a time, all clients together: more are answered 429, before their bodies are read. Needs the
/// feature `rate-limit`.
///
/// Probes and the management listener do not count. What is left is told in `RateLimit` and `RateLimit-Policy`, when to come again in
/// `Retry-After`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ServerRateLimitSettings {
    /// Requests a time. None by default: there is no limit.
    pub rate: Option<Rate>,
    /// Requests that may come at once, for `gcra`; 0 is as many as the rate's amount.
    pub burst: u32,
    /// How the permits come back.
    pub kind: RateLimitKindName,
    /// Whether it only reports what it would refuse.
    pub dark: bool,
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
