//! `[telemetry]`: what a service remembers and tells of its requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Size, Span};

/// What a service remembers and tells of its requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// Recent requests, kept in memory for `/txn` of the management listener.
    pub journal: JournalSettings,
    /// What `/metrics` of the management listener shows.
    pub metrics: MetricsSettings,
}

/// What `/metrics` of the management listener shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// Whether anything is counted. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub enabled: bool,
    /// So many endpoints have series of their own; more are counted together as `_overflow`. **Restart.**
    #[schemars(range(min = 1, max = 100_000), extend("x-msa-restart" = true))]
    pub max_endpoints: u32,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_endpoints: 1_000,
        }
    }
}

/// Recent requests, kept in memory for `/txn` of the management listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct JournalSettings {
    /// Whether requests are kept at all. Switched off it forgets.
    pub enabled: bool,
    /// The memory that they may take; half of it is for errors and slow requests. At least 64KiB.
    #[schemars(extend("x-msa-min" = "64KiB"))]
    pub max_size: Size,
    /// The memory that one request may take; what happens to it beyond that is only counted. At least 1KiB.
    #[schemars(extend("x-msa-min" = "1KiB"))]
    pub max_entry: Size,
    /// A request that takes so long is slow, and kept as long as errors are. Not set, those above the 99th percentile are.
    pub slow: Option<Span>,
    /// How long `/txn/{gtxid}?scope=all` waits for other services.
    #[schemars(extend("x-msa-min" = "10ms"))]
    pub ask_timeout: Span,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_size: Size::mib(4),
            max_entry: Size::kib(16),
            slow: None,
            ask_timeout: Span::secs(2),
        }
    }
}
