//! `[orchestrator]`.

use msa_core::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How orders are composed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct OrchestratorSettings {
    /// How long an order waits for its banner before it goes on without one. Default `300ms`.
    pub(crate) banner_timeout: Span,
    /// The platform whose banner is asked for. Default `MOBILE`.
    pub(crate) banner_platform: String,
}

impl Default for OrchestratorSettings {
    fn default() -> Self {
        Self {
            banner_timeout: Span::new(std::time::Duration::from_millis(300)),
            banner_platform: "MOBILE".to_owned(),
        }
    }
}
