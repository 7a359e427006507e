//! The variables of OpenTelemetry, and the keys that they set.

use std::borrow::Cow;

/// Each has the last word over its key. Of two that set the same key, the later in this list has it.
pub(super) const VARIABLES: [(&str, &str); 28] = [
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
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "telemetry.traces.max_events"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "telemetry.traces.max_links"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp.endpoint"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "telemetry.traces.otlp_endpoint",
    ),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.otlp.protocol"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "telemetry.otlp.protocol",
    ),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp.headers"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "telemetry.otlp.headers",
    ),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "telemetry.otlp.timeout"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "telemetry.otlp.timeout",
    ),
    (
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "telemetry.otlp.compression",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "telemetry.otlp.compression",
    ),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "telemetry.otlp.ca_file"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "telemetry.otlp.ca_file",
    ),
    (
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "telemetry.traces.zipkin_endpoint",
    ),
];

/// Standard variables that do nothing here: a set one is told, so that nobody waits for what it would do. Those of metrics and logs are
/// not among them, since neither are exported this way.
pub(super) const UNSUPPORTED: [&str; 13] = [
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_CONFIG_FILE",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOG_LEVEL",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
];

/// Whether this is a variable that is read, or told of.
pub(super) fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|(known, _)| *known == name) || UNSUPPORTED.contains(&name)
}

/// The value as our keys write it: the variables count times in milliseconds, without saying so.
pub(super) fn value<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    let is_time = ["delay", "timeout"].iter().any(|end| key.ends_with(end));
    let trimmed = value.trim();
    if is_time && !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{trimmed}ms").into();
    }
    value.into()
}
