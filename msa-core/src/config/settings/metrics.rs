//! `telemetry.metrics`: what is counted, and where it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OtlpSignalSettings;
use crate::config::Span;

/// What is counted, and where it goes.
///
/// `/metrics` of the management listener shows it whatever `exporters` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// Whether anything is counted. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub enabled: bool,
    /// So many endpoints have series of their own; more are counted together as `_overflow`. **Restart.**
    #[schemars(range(min = 1, max = 100_000), extend("x-msa-restart" = true))]
    pub max_endpoints: u32,
    /// Where numbers are pushed. `auto`: to the OpenTelemetry collector that is configured, if one is. `OTEL_METRICS_EXPORTER` has the
    /// last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub exporters: Vec<MetricsExporter>,
    /// From one push to the next. `OTEL_METRIC_EXPORT_INTERVAL` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub interval: Span,
    /// How long one push may take in all. `OTEL_METRIC_EXPORT_TIMEOUT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub export_timeout: Span,
    /// From when on what is pushed counts. `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub temporality: Temporality,
    /// Whose transactions are examples of a histogram's buckets. `OTEL_METRICS_EXEMPLAR_FILTER` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub exemplars: ExemplarFilter,
    /// What is different from `telemetry.otlp` for metrics. The variables `OTEL_EXPORTER_OTLP_METRICS_…` have the last word.
    pub otlp: OtlpSignalSettings,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_endpoints: 1_000,
            exporters: vec![MetricsExporter::Auto],
            interval: Span::secs(60),
            export_timeout: Span::secs(30),
            temporality: Temporality::default(),
            exemplars: ExemplarFilter::default(),
            otlp: OtlpSignalSettings::default(),
        }
    }
}

/// Where numbers go, by the names of `OTEL_METRICS_EXPORTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum MetricsExporter {
    /// `otlp` when an endpoint for it is set, else nothing.
    Auto,
    /// Pushed to an OpenTelemetry collector. Needs the feature `otlp`.
    Otlp,
    /// `/metrics` of the management listener, which is there anyway.
    Prometheus,
    /// One JSON line a metric on standard output.
    Console,
    /// Nowhere.
    None,
}

/// From when on a number that is pushed counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum Temporality {
    /// From the start of the service.
    #[default]
    Cumulative,
    /// From the push before: counters and histograms; what goes up and down is told as it is.
    Delta,
    /// As `delta`, but counters that are only looked at when they are pushed (processor time) as `cumulative`.
    LowMemory,
}

/// Whose transactions are examples, by the names of `OTEL_METRICS_EXEMPLAR_FILTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum ExemplarFilter {
    /// Any: those that no tracing backend knows are found by `/txn/{gtxid}`.
    #[default]
    AlwaysOn,
    /// Only those whose trace is sampled.
    TraceBased,
    /// Nobody's.
    AlwaysOff,
}
