//! `client.bulkhead`: how many calls run at a time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Span;

/// How many calls run at a time: [`bulkhead`](crate::resilience::bulkhead).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct BulkheadSettings {
    /// Whether calls are counted and refused.
    pub enabled: bool,
    /// Calls at a time, up to the end of their bodies.
    #[schemars(range(min = 1))]
    pub max_concurrent: u32,
    /// Calls that may wait for their turn; 0 refuses at once.
    pub max_queue: u32,
    /// The longest that a call waits; `0s` is until its deadline.
    pub max_wait: Span,
    /// Whether it only reports what it would refuse. Nobody waits then.
    pub dark: bool,
}

impl Default for BulkheadSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrent: 1024,
            max_queue: 0,
            max_wait: Span::ZERO,
            dark: false,
        }
    }
}
