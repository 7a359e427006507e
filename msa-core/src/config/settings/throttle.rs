//! `client.throttle`: turning calls away at home while the callee turns most of them away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Span};

/// The client throttle: [`throttle`](crate::resilience::throttle).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ThrottleSettings {
    /// Whether there is one. An alternative to the breaker, for services that shed load by themselves.
    pub enabled: bool,
    /// Whether it decides and reports, but turns nothing away.
    pub dark: bool,
    /// How many times of what was accepted is sent.
    #[schemars(range(min = 1.0))]
    pub k: f64,
    /// How far back it looks.
    #[schemars(extend("x-msa-min" = "1s"))]
    pub window: Span,
    /// Below so many calls in the window nothing is turned away.
    pub min_calls: u32,
    /// The highest probability of turning a call away.
    pub max_rejection: Percent,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            dark: false,
            k: 2.0,
            window: Span::secs(120),
            min_calls: 10,
            max_rejection: Percent::new(95),
        }
    }
}
