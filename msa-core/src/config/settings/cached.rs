//! `policies.<name>.cached`: answers that are given again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Span;

/// Giving the last answer for the same key again: [`cache`](crate::resilience::cache).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct CachedSettings {
    /// Whether answers are kept and given again.
    pub enabled: bool,
    /// How old an answer may be that is given again.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub ttl: Span,
    /// How many answers are kept; the oldest goes first.
    #[schemars(range(min = 1))]
    pub max_entries: u32,
}

impl Default for CachedSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            ttl: Span::secs(30),
            max_entries: 1000,
        }
    }
}
