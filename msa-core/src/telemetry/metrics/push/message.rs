//! The messages of OpenTelemetry's protocol (<https://opentelemetry.io/docs/specs/otlp/>).

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar as ExemplarMessage, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;

use super::series::{Batch, Dated, DatedPoint};
use crate::telemetry::export::{PID, Resource};
use crate::telemetry::metrics::catalog::Kind;
use crate::telemetry::metrics::exemplar::Exemplar;
use crate::telemetry::metrics::points::Value;

/// The one label that is a number by the conventions.
const STATUS: &str = "http.response.status_code";

pub(super) fn resource(resource: &Resource) -> ResourceMessage {
    let attributes = resource
        .attributes()
        .map(|(key, value)| attribute(key, value, PID));
    ResourceMessage {
        attributes: attributes.collect(),
        ..ResourceMessage::default()
    }
}

pub(super) fn request(resource: &ResourceMessage, batch: &Batch) -> ExportMetricsServiceRequest {
    let metrics = batch.families.iter().map(|dated| metric(dated, batch.at));
    let scope = InstrumentationScope {
        name: "msa".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource.clone()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn metric(dated: &Dated, at: u64) -> Metric {
    let metric = dated.metric;
    let temporality = match dated.is_delta {
        true => AggregationTemporality::Delta,
        false => AggregationTemporality::Cumulative,
    };
    let numbers = || {
        let points = dated.points.iter();
        points
            .map(|point| number(dated, point, at))
            .collect::<Vec<_>>()
    };
    let data = match metric.kind {
        Kind::Counter | Kind::UpDownCounter => Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: temporality.into(),
            is_monotonic: metric.kind == Kind::Counter,
        }),
        Kind::Gauge | Kind::Info => Data::Gauge(Gauge {
            data_points: numbers(),
        }),
        // A sum and a count are a histogram of one bucket.
        Kind::Histogram | Kind::Summary => Data::Histogram(Histogram {
            data_points: (dated.points.iter())
                .map(|point| histogram(dated, point, at))
                .collect(),
            aggregation_temporality: temporality.into(),
        }),
    };
    Metric {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: metric.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

// Casts: counts far below 2^63, and whole numbers that were counts
fn number(dated: &Dated, point: &DatedPoint, at: u64) -> NumberDataPoint {
    let kind = dated.metric.kind;
    let value = match &point.value {
        Value::Count(count) => Number::AsInt(i64::try_from(*count).unwrap_or(i64::MAX)),
        Value::Now(now) if kind == Kind::UpDownCounter => Number::AsInt(*now as i64),
        Value::Looked(value) | Value::Now(value) => Number::AsDouble(*value),
        Value::Buckets(buckets) => Number::AsDouble(buckets.sum),
    };
    NumberDataPoint {
        attributes: attributes(dated, point),
        // A gauge has no beginning.
        start_time_unix_nano: match kind {
            Kind::Gauge | Kind::Info => 0,
            _ => point.since,
        },
        time_unix_nano: at,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(dated: &Dated, point: &DatedPoint, at: u64) -> HistogramDataPoint {
    let Value::Buckets(buckets) = &point.value else {
        return HistogramDataPoint::default(); // a histogram has nothing else
    };
    HistogramDataPoint {
        attributes: attributes(dated, point),
        start_time_unix_nano: point.since,
        time_unix_nano: at,
        count: buckets.count(),
        sum: Some(buckets.sum),
        bucket_counts: buckets.counts.clone(),
        explicit_bounds: buckets.bounds.clone(),
        exemplars: buckets.exemplars.iter().map(example).collect(),
        ..HistogramDataPoint::default()
    }
}

fn example(exemplar: &Exemplar) -> ExemplarMessage {
    let gtxid = exemplar.gtxid;
    let is_other = gtxid.as_trace_id() != Some(exemplar.trace_id);
    let own = is_other.then(|| attribute("msa.gtxid", gtxid.as_str(), ""));
    ExemplarMessage {
        filtered_attributes: own.into_iter().collect(),
        time_unix_nano: exemplar.at.saturating_mul(1_000_000),
        span_id: exemplar.span_id.to_be_bytes().to_vec(),
        trace_id: exemplar.trace_id.to_be_bytes().to_vec(),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
    }
}

fn attributes(dated: &Dated, point: &DatedPoint) -> Vec<KeyValue> {
    let labels = dated.metric.labels.iter().zip(&point.labels);
    labels
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| attribute(label, value, STATUS))
        .collect()
}

/// A text, but of one key a number.
fn attribute(key: &str, value: &str, number: &str) -> KeyValue {
    let value = match value.parse() {
        Ok(whole) if key == number => Any::IntValue(whole),
        _ => Any::StringValue(value.to_owned()),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
