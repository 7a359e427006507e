//! The variables of OpenTelemetry, and the keys that they set.
//!
//! All of the specification's (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>) are here: those that set a key, and those that do nothing, each with its
//! reason. A set one of the latter is told, so that nobody waits for what it would do.

use std::borrow::Cow;

/// Each has the last word over its key. Of two that set the same key, the later in this list has it.
pub(super) const VARIABLES: [(&str, &str); 53] = [
    ("OTEL_SDK_DISABLED", "telemetry.disabled"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "telemetry.resource_attributes"),
    ("OTEL_PROPAGATORS", "telemetry.propagation"),
    ("OTEL_TRACES_EXPORTER", "telemetry.traces.exporter"),
    ("OTEL_TRACES_SAMPLER", "telemetry.traces.sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "telemetry.traces.sampler_arg"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "telemetry.traces.max_queue"),
    (
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "telemetry.traces.max_batch",
    ),
    ("OTEL_BSP_SCHEDULE_DELAY", "telemetry.traces.delay"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "telemetry.traces.export_timeout"),
    (
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "telemetry.traces.max_attributes",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "telemetry.traces.max_attributes",
    ),
    (
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "telemetry.traces.max_value_length",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "telemetry.traces.max_value_length",
    ),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "telemetry.traces.max_events"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "telemetry.traces.max_links"),
    (
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "telemetry.traces.max_event_attributes",
    ),
    (
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "telemetry.traces.max_link_attributes",
    ),
    (
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "telemetry.traces.zipkin_endpoint",
    ),
    (
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "telemetry.traces.zipkin_timeout",
    ),
    ("OTEL_METRICS_EXPORTER", "telemetry.metrics.exporters"),
    (
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "telemetry.metrics.exemplars",
    ),
    ("OTEL_METRIC_EXPORT_INTERVAL", "telemetry.metrics.interval"),
    (
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "telemetry.metrics.export_timeout",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "telemetry.metrics.temporality",
    ),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp.endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.otlp.protocol"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp.headers"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "telemetry.otlp.timeout"),
    (
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "telemetry.otlp.compression",
    ),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "telemetry.otlp.ca_file"),
    (
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "telemetry.otlp.client_certificate",
    ),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "telemetry.otlp.client_key"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "telemetry.otlp.insecure"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "telemetry.traces.otlp.endpoint",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "telemetry.traces.otlp.protocol",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "telemetry.traces.otlp.headers",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "telemetry.traces.otlp.timeout",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "telemetry.traces.otlp.compression",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "telemetry.traces.otlp.ca_file",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "telemetry.traces.otlp.client_certificate",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        "telemetry.traces.otlp.client_key",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        "telemetry.traces.otlp.insecure",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "telemetry.metrics.otlp.endpoint",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "telemetry.metrics.otlp.protocol",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        "telemetry.metrics.otlp.headers",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "telemetry.metrics.otlp.timeout",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "telemetry.metrics.otlp.compression",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
        "telemetry.metrics.otlp.ca_file",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
        "telemetry.metrics.otlp.client_certificate",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
        "telemetry.metrics.otlp.client_key",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
        "telemetry.metrics.otlp.insecure",
    ),
];

/// Standard variables that do nothing here, and why.
const UNSUPPORTED: [(&str, &str); 7] = [
    (
        "OTEL_CONFIG_FILE",
        "msa.toml and MSA_ variables are the configuration",
    ),
    (
        "OTEL_ENTITIES",
        "OTEL_RESOURCE_ATTRIBUTES tells what is true of the process",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "the buckets are those that the HTTP conventions advise",
    ),
    (
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "/metrics is on the management listener, at admin.addr",
    ),
    (
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "/metrics is on the management listener, at admin.addr",
    ),
    (
        "OTEL_LOGS_EXPORTER",
        "logs go to standard output, from where an agent takes them",
    ),
    ("OTEL_LOG_LEVEL", "RUST_LOG sets the level"),
];

/// All about logs, by what the names begin with.
const OF_LOGS: [&str; 3] = ["OTEL_BLRP_", "OTEL_EXPORTER_OTLP_LOGS_", "OTEL_LOGRECORD_"];

/// Whether this is a variable that is read, or told of.
pub(super) fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|(known, _)| *known == name) || refusal(name).is_some()
}

/// Why a variable with this value does nothing; `None` for one that does, or asks for what is so anyway.
pub(super) fn useless(name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim();
    match name {
        "OTEL_LOGS_EXPORTER" if matches!(value, "none" | "console") => None,
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
            if value.eq_ignore_ascii_case("explicit_bucket_histogram") =>
        {
            None
        }
        _ => refusal(name),
    }
}

fn refusal(name: &str) -> Option<&'static str> {
    let known = UNSUPPORTED.iter().find(|(known, _)| *known == name);
    let of_logs = || {
        let is_one = OF_LOGS.iter().any(|start| name.starts_with(start));
        is_one.then_some("logs go to standard output, from where an agent takes them")
    };
    known.map(|(_, why)| *why).or_else(of_logs)
}

/// The value as our keys write it: the variables count times in milliseconds, without saying so, and one is read without regard to case.
pub(super) fn value<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    if key == "telemetry.metrics.temporality" {
        return value.trim().to_ascii_lowercase().into();
    }
    let is_time = ["delay", "interval", "timeout"]
        .iter()
        .any(|end| key.ends_with(end));
    let trimmed = value.trim();
    if is_time && !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{trimmed}ms").into();
    }
    value.into()
}
