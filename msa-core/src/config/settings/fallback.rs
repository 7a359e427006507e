//! `client.fallback`: what stands in for an answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Size, Span};

/// What stands in for an answer: [`fallback`](crate::resilience::fallback).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct FallbackSettings {
    /// Whether anything stands in, here or by the program.
    pub enabled: bool,
    /// How old the last good answer to the same `GET` may be to stand in; `0s` is off.
    pub stale_for: Span,
    /// How much of such answers is kept for a service.
    #[schemars(extend("x-msa-min" = "1KiB"))]
    pub stale_bytes: Size,
}

impl Default for FallbackSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            stale_for: Span::ZERO,
            stale_bytes: Size::mib(16),
        }
    }
}
