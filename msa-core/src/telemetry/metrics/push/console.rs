//! Numbers on standard output, one JSON document a metric, among the lines of the log.

use std::io::Write as _;

use serde_json::{Map, Value as Json, json};

use super::exporter::Answer;
use super::series::{Batch, Dated};
use crate::telemetry::export::Resource;
use crate::telemetry::metrics::points::Value;

/// `OTEL_METRICS_EXPORTER=console`: to see at a glance what would be pushed.
#[derive(Debug)]
pub(super) struct Console {
    service: String,
}

impl Console {
    pub(super) fn of(resource: &Resource) -> Self {
        Self {
            service: resource.service_name().to_owned(),
        }
    }

    pub(super) fn export(&self, batch: &Batch) -> Answer {
        let mut text = String::new();
        for dated in &batch.families {
            text.push_str(&line(&self.service, batch.at, dated).to_string());
            text.push('\n');
        }
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::Failed(format!("standard output: {error}")),
        }
    }
}

fn line(service: &str, at: u64, dated: &Dated) -> Json {
    let metric = dated.metric;
    let points = dated.points.iter().map(|point| {
        let labels = metric.labels.iter().zip(&point.labels);
        let labels: Map<String, Json> = labels
            .filter(|(_, value)| !value.is_empty())
            .map(|(label, value)| ((*label).to_owned(), json!(value)))
            .collect();
        let value = match &point.value {
            Value::Count(count) => json!(count),
            Value::Looked(number) | Value::Now(number) => json!(number),
            Value::Buckets(buckets) => json!({
                "count": buckets.count(),
                "sum": buckets.sum,
                "bounds": buckets.bounds,
                "buckets": buckets.counts,
            }),
        };
        json!({"labels": labels, "since_unix_us": point.since / 1_000, "value": value})
    });
    json!({
        "metric": metric.name,
        "service": service,
        "kind": metric.kind.as_str(),
        "unit": metric.unit,
        "delta": dated.is_delta,
        "time_unix_us": at / 1_000,
        "points": points.collect::<Vec<_>>(),
    })
}
