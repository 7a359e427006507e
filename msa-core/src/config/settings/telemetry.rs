//! `[telemetry]`: what a service tells of itself, and to whom.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MetricsSettings, OtlpSettings, TracesSettings};
use crate::config::{Size, Span};

/// What a service tells of itself, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// The formats in which a trace goes from service to service. Of those that a request has, the first in this list is read; calls have
    /// all of them. `OTEL_PROPAGATORS` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub propagation: Vec<PropagationFormat>,
    /// Who is told what the application tells along a transaction.
    pub baggage: BaggageSettings,
    /// The name in what is exported; the service's own unless set. `OTEL_SERVICE_NAME` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "name"))]
    pub service_name: Option<String>,
    /// What is true of the whole process, `deployment.environment.name=live,team=shop`, values percent-encoded.
    /// `OTEL_RESOURCE_ATTRIBUTES` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "pairs"))]
    pub resource_attributes: String,
    /// Whether nothing is exported, whatever else is set. `OTEL_SDK_DISABLED` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub disabled: bool,
    /// Which traces are recorded, and where they go.
    pub traces: TracesSettings,
    /// The OpenTelemetry collector.
    pub otlp: OtlpSettings,
    /// Recent requests, kept in memory for `/txn` of the management listener.
    pub journal: JournalSettings,
    /// What is counted, and where it goes.
    pub metrics: MetricsSettings,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            propagation: vec![PropagationFormat::TraceContext, PropagationFormat::Baggage],
            baggage: BaggageSettings::default(),
            service_name: None,
            resource_attributes: String::new(),
            disabled: false,
            traces: TracesSettings::default(),
            otlp: OtlpSettings::default(),
            journal: JournalSettings::default(),
            metrics: MetricsSettings::default(),
        }
    }
}

/// Headers that carry a trace, by the names of `OTEL_PROPAGATORS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum PropagationFormat {
    /// W3C Trace Context: `traceparent` and `tracestate`.
    TraceContext,
    /// W3C Baggage: `baggage`.
    Baggage,
    /// B3 in one header: `b3`.
    B3,
    /// B3 in several headers: `x-b3-traceid` and its like.
    B3Multi,
    /// Nothing; the transaction's own headers travel all the same.
    None,
}

/// To which services baggage is sent. None by default: it may hold what is nobody else's business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct BaggageSettings {
    /// Services that are sent all of it; `*` is every service. **Restart.**
    #[schemars(extend("items" = {"type": "string", "format": "name"}, "x-msa-restart" = true))]
    pub services: Vec<String>,
    /// By key, services that are sent this member besides; `*` is every service. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub keys: BTreeMap<String, Vec<String>>,
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
