//! Zipkin's own protocol, JSON over HTTP (<https://zipkin.io/zipkin-api/>, version 2).
//!
//! Written here, since OpenTelemetry's exporter is given up and sends spans without the name of their service, by which Zipkin sorts
//! them. Attributes and status become tags as OpenTelemetry's specification says
//! (<https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/>).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, SpanId};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::TelemetrySettings;
use crate::telemetry::export::ExportError;
use crate::telemetry::export::client::{Client, url};

/// Sends spans to `telemetry.traces.zipkin_endpoint`.
#[derive(Debug)]
pub(super) struct Zipkin {
    client: Client,
    endpoint: Url,
    service: String,
}

impl Zipkin {
    pub(super) fn new(settings: &TelemetrySettings, service: &str) -> Result<Self, ExportError> {
        let key = "telemetry.traces.zipkin_endpoint";
        let endpoint = url(key, &settings.traces.zipkin_endpoint)?;
        Ok(Self {
            client: Client::new(&endpoint, settings.traces.zipkin_timeout.get(), None, None)?,
            endpoint,
            service: service.to_owned(),
        })
    }

    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans: Value = batch.iter().map(|span| told(&self.service, span)).collect();
        let failed = |error: String| OTelSdkError::InternalFailure(error);
        let status = self.client.post_json(&self.endpoint, &spans).await;
        match status.map_err(|error| failed(error.to_string()))? {
            status if status.is_success() => Ok(()),
            status => Err(failed(format!("{} answered {status}", self.endpoint))),
        }
    }
}

fn told(service: &str, span: &SpanData) -> Value {
    let duration = span.end_time.duration_since(span.start_time);
    let mut told = json!({
        "traceId": span.span_context.trace_id().to_string(),
        "id": span.span_context.span_id().to_string(),
        "name": span.name,
        "timestamp": micros(since_epoch(span.start_time)),
        // Zero would mean that it is not known.
        "duration": micros(duration.unwrap_or_default()).max(1),
        "localEndpoint": {"serviceName": service},
        "tags": tags(span),
        "annotations": span.events.iter().map(annotation).collect::<Value>(),
    });
    if let Value::Object(fields) = &mut told {
        if span.parent_span_id != SpanId::INVALID {
            fields.insert("parentId".into(), span.parent_span_id.to_string().into());
        }
        let kind = match span.span_kind {
            SpanKind::Client => Some("CLIENT"),
            SpanKind::Server => Some("SERVER"),
            SpanKind::Producer => Some("PRODUCER"),
            SpanKind::Consumer => Some("CONSUMER"),
            SpanKind::Internal => None,
        };
        fields.extend(kind.map(|kind| ("kind".to_owned(), kind.into())));
    }
    told
}

fn tags(span: &SpanData) -> Map<String, Value> {
    let mut tags = attributes(&span.attributes);
    tags.insert(
        "otel.scope.name".into(),
        span.instrumentation_scope.name().into(),
    );
    match &span.status {
        Status::Unset => {}
        Status::Ok => {
            tags.insert("otel.status_code".into(), "OK".into());
        }
        Status::Error { description } => {
            tags.insert("otel.status_code".into(), "ERROR".into());
            tags.insert("error".into(), description.as_ref().into());
        }
    }
    tags
}

fn attributes(list: &[KeyValue]) -> Map<String, Value> {
    list.iter()
        .map(|one| (one.key.to_string(), one.value.to_string().into()))
        .collect()
}

fn annotation(event: &opentelemetry::trace::Event) -> Value {
    let value = match event.attributes.as_slice() {
        [] => event.name.to_string(),
        list => json!({ event.name.as_ref(): attributes(list) }).to_string(),
    };
    json!({"timestamp": micros(since_epoch(event.timestamp)), "value": value})
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
