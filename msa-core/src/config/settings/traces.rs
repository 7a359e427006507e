//! `telemetry.traces`: which traces are recorded, and where they go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OtlpSignalSettings;
use crate::config::{Percent, Span};

/// Which traces are recorded, and where they go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TracesSettings {
    /// Where spans go. `auto`: to the OpenTelemetry collector that is configured, if one is. `OTEL_TRACES_EXPORTER` has the last word.
    /// **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub exporter: TraceExporter,
    /// Which traces are sampled; this is decided, and calls told, without an exporter too. `OTEL_TRACES_SAMPLER` has the last word.
    /// **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub sampler: TraceSampler,
    /// The share of traces that the samplers by trace id take. `OTEL_TRACES_SAMPLER_ARG` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub sampler_arg: Percent,
    /// How many ended spans wait for their export at most; what is more is dropped and counted. `OTEL_BSP_MAX_QUEUE_SIZE` has the last
    /// word. **Restart.**
    #[schemars(range(min = 1, max = 1048576), extend("x-msa-restart" = true))]
    pub max_queue: u32,
    /// How many are exported at a time. `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_batch: u32,
    /// How long a span waits for others to go with. `OTEL_BSP_SCHEDULE_DELAY` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub delay: Span,
    /// How long one export may take. `OTEL_BSP_EXPORT_TIMEOUT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub export_timeout: Span,
    /// Attributes of a span at most. `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, before it `OTEL_ATTRIBUTE_COUNT_LIMIT`, has the last word.
    /// **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_attributes: u32,
    /// Events of a span at most. `OTEL_SPAN_EVENT_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_events: u32,
    /// Links of a span at most. `OTEL_SPAN_LINK_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_links: u32,
    /// Attributes of an event at most. `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_event_attributes: u32,
    /// Attributes of a link at most. `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_link_attributes: u32,
    /// Characters of an attribute's text at most; the rest is cut off before the export. No limit by default.
    /// `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, before it `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub max_value_length: Option<u32>,
    /// What is different from `telemetry.otlp` for traces. The variables `OTEL_EXPORTER_OTLP_TRACES_…` have the last word.
    pub otlp: OtlpSignalSettings,
    /// Where Zipkin takes spans. `OTEL_EXPORTER_ZIPKIN_ENDPOINT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub zipkin_endpoint: String,
    /// How long Zipkin may take for an export. `OTEL_EXPORTER_ZIPKIN_TIMEOUT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub zipkin_timeout: Span,
}

impl Default for TracesSettings {
    fn default() -> Self {
        Self {
            exporter: TraceExporter::Auto,
            sampler: TraceSampler::ParentbasedAlwaysOn,
            sampler_arg: Percent::ALL,
            max_queue: 2048,
            max_batch: 512,
            delay: Span::secs(5),
            export_timeout: Span::secs(30),
            max_attributes: 128,
            max_events: 128,
            max_links: 128,
            max_event_attributes: 128,
            max_link_attributes: 128,
            max_value_length: None,
            otlp: OtlpSignalSettings::default(),
            zipkin_endpoint: "http://localhost:9411/api/v2/spans".into(),
            zipkin_timeout: Span::secs(10),
        }
    }
}

/// Where spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum TraceExporter {
    /// `otlp` when an endpoint for it is set, else `none`.
    #[default]
    Auto,
    /// To an OpenTelemetry collector. Needs the feature `otlp`.
    Otlp,
    /// To Zipkin. Needs the feature `zipkin`.
    Zipkin,
    /// One JSON line a span on standard output. Needs the feature `otel`.
    Console,
    /// Nowhere.
    None,
}

/// Which traces are sampled, by the names of `OTEL_TRACES_SAMPLER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum TraceSampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share of them by trace id, the same ones at every service.
    #[serde(rename = "traceidratio")]
    TraceIdRatio,
    /// As the caller decided; all that begin here.
    #[default]
    ParentbasedAlwaysOn,
    /// As the caller decided; none that begin here.
    ParentbasedAlwaysOff,
    /// As the caller decided; of those that begin here a share by trace id.
    #[serde(rename = "parentbased_traceidratio")]
    ParentbasedTraceIdRatio,
}
