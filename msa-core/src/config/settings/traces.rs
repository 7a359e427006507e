//! `telemetry.traces` and `telemetry.otlp`: which traces are recorded, and where they go.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Secret, Span};

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
    /// Attributes of a span at most. `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_attributes: u32,
    /// Events of a span at most. `OTEL_SPAN_EVENT_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_events: u32,
    /// Links of a span at most. `OTEL_SPAN_LINK_COUNT_LIMIT` has the last word. **Restart.**
    #[schemars(range(min = 1, max = 65536), extend("x-msa-restart" = true))]
    pub max_links: u32,
    /// Where the collector takes traces, with the path, when that is not `telemetry.otlp.endpoint`.
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub otlp_endpoint: Option<String>,
    /// Where Zipkin takes spans. `OTEL_EXPORTER_ZIPKIN_ENDPOINT` has the last word. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub zipkin_endpoint: String,
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
            otlp_endpoint: None,
            zipkin_endpoint: "http://localhost:9411/api/v2/spans".into(),
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
    /// To standard error, for people. Needs the feature `otel`.
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

/// The OpenTelemetry collector. Needs the feature `otlp`.
///
/// The variables `OTEL_EXPORTER_OTLP_…` and, for traces, `OTEL_EXPORTER_OTLP_TRACES_…` have the last word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// Where it is, such as `http://localhost:4318`; over HTTP `/v1/traces` is added. Not set, and `telemetry.traces.exporter = "otlp"`:
    /// `http://localhost:4318`, over gRPC port 4317. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub endpoint: Option<String>,
    /// How it is spoken to. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub protocol: OtlpProtocol,
    /// Headers of each export, `authorization=Bearer%20x,tenant=shop`, values percent-encoded. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub headers: Secret,
    /// How long it may take to answer. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub timeout: Span,
    /// Whether what is sent is compressed. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub compression: OtlpCompression,
    /// Certificates of authorities to believe besides the usual ones, a PEM file. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub ca_file: Option<PathBuf>,
}

impl Default for OtlpSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: OtlpProtocol::default(),
            headers: Secret::default(),
            timeout: Span::secs(10),
            compression: OtlpCompression::default(),
            ca_file: None,
        }
    }
}

/// How the collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protocol buffers over HTTP/1.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// gRPC.
    #[serde(rename = "grpc")]
    Grpc,
}

/// Whether what is sent to the collector is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum OtlpCompression {
    /// As it is.
    #[default]
    None,
    /// By gzip.
    Gzip,
}
