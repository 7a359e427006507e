//! Spans on standard output, one JSON document a line, among the lines of the log.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value, json};

/// `OTEL_TRACES_EXPORTER=console`: to see at a glance what would be exported.
#[derive(Debug)]
pub(super) struct Console {
    service: String,
}

impl Console {
    pub(super) fn of(service: &str) -> Self {
        Self {
            service: service.to_owned(),
        }
    }

    // Asynchronous as its siblings are.
    #[allow(clippy::unused_async)]
    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut text = String::new();
        for span in &batch {
            text.push_str(&line(&self.service, span).to_string());
            text.push('\n');
        }
        std::io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }
}

fn line(service: &str, span: &SpanData) -> Value {
    let events: Vec<Value> = (span.events.iter())
        .map(|event| {
            json!({
                "name": event.name,
                "time_unix_us": micros(event.timestamp),
                "attributes": attributes(&event.attributes),
            })
        })
        .collect();
    json!({
        "span": span.name,
        "service": service,
        "kind": format!("{:?}", span.span_kind),
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": span.parent_span_id.to_string(),
        "start_unix_us": micros(span.start_time),
        "end_unix_us": micros(span.end_time),
        "status": format!("{:?}", span.status),
        "attributes": attributes(&span.attributes),
        "events": events,
    })
}

fn attributes(list: &[KeyValue]) -> Map<String, Value> {
    use opentelemetry::Value as Told;
    let shown = |value: &Told| match value {
        Told::Bool(yes) => json!(yes),
        Told::I64(number) => json!(number),
        Told::F64(number) => json!(number),
        other => json!(other.to_string()),
    };
    list.iter()
        .map(|one| (one.key.to_string(), shown(&one.value)))
        .collect()
}

fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
