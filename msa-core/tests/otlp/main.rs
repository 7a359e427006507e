//! Whole services that export to a collector on loopback, over HTTP and gRPC, as the variables of OpenTelemetry say.

#![cfg(all(feature = "otlp", feature = "test-util"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod collector;
mod hops;
mod rotel;
#[cfg(all(feature = "tls", feature = "http2"))]
mod secure;
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use msa_core::client::ServiceClient;
use msa_core::testing::ClosedPort;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsPartialSuccess;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;

use collector::{Collector, Kept, text};
use support::{ask, hex, service, stop, two_services};

async fn one_trace_over(protocol: &str, addr: SocketAddr, collector: &Collector) {
    let endpoint = format!("http://{addr}");
    let (front, users) = two_services(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=shop"),
    ]);
    let gtxid = ask(&front).await;
    stop(front).await;
    stop(users).await;

    // The end of a service has sent what waited: nothing is waited for here.
    let spans = collector.spans();
    let named = |service: &str, name: &str| {
        let found = spans
            .iter()
            .find(|(own, span)| own == service && span.name == name);
        found
            .map(|(_, span)| span.clone())
            .unwrap_or_else(|| panic!("{service} {name}: {spans:#?}"))
    };
    let server = named("front", "GET /greet");
    let (call, attempt) = (named("front", "GET user-service"), named("front", "GET"));
    let user = named("user-service", "GET /users/{id}");
    assert_eq!(spans.len(), 4);
    for (child, parent) in [(&call, &server), (&attempt, &call), (&user, &attempt)] {
        assert_eq!(child.parent_span_id, parent.span_id);
        assert_eq!(child.trace_id, parent.trace_id);
        assert!(child.start_time_unix_nano >= parent.start_time_unix_nano);
    }
    assert_eq!(hex(&server.trace_id), gtxid);
    let kept = collector.0.lock().unwrap();
    assert!(
        (kept.traces.iter()).all(|(headers, _)| headers["x-tenant"] == "a b"),
        "{:?}",
        kept.traces
    );
}

/// The request's numbers are there under OpenTelemetry's names.
async fn numbers_over(protocol: &str, addr: SocketAddr, collector: &Collector) {
    let endpoint = format!("http://{addr}");
    let (front, users) = two_services(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-tenant=a%20b"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=shop"),
    ]);
    let gtxid = ask(&front).await;
    ask(&front).await;
    stop(front).await;
    stop(users).await;

    // The end of a service has pushed: nothing is waited for here.
    let metrics = collector.metrics("front");
    let named = |name: &str| {
        let found = metrics.iter().find(|metric| metric.name == name);
        found.unwrap_or_else(|| panic!("{name}: {metrics:#?}"))
    };
    let served = named("http.server.request.duration");
    assert_eq!(served.unit, "s");
    let Some(Data::Histogram(histogram)) = &served.data else {
        panic!("{served:?}")
    };
    assert_eq!(
        histogram.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    let point = &histogram.data_points[0];
    assert_eq!(point.count, 2);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 2);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.explicit_bounds[0], 0.005);
    assert!(0 < point.start_time_unix_nano && point.start_time_unix_nano < point.time_unix_nano);
    let route = text(&point.attributes, "http.route");
    assert_eq!(route.as_deref(), Some("/greet"));
    let status = (point.attributes.iter()).find(|one| one.key == "http.response.status_code");
    let status = status.unwrap().value.clone().unwrap().value;
    assert_eq!(status, Some(Value::IntValue(200)));
    let traces: Vec<_> = point
        .exemplars
        .iter()
        .map(|one| hex(&one.trace_id))
        .collect();
    assert!(traces.contains(&gtxid), "{traces:?} {gtxid}");
    assert!(point.exemplars.iter().all(|one| one.span_id.len() == 8));

    let Some(Data::Sum(picks)) = &named("msa.picks").data else {
        panic!("{metrics:?}")
    };
    assert!(picks.is_monotonic);
    assert_eq!(picks.data_points[0].value, Some(Number::AsInt(2)));
    let Some(Data::Sum(active)) = &named("http.server.active_requests").data else {
        panic!("{metrics:?}")
    };
    assert!(!active.is_monotonic);
    assert_eq!(active.data_points[0].value, Some(Number::AsInt(0)));
    assert!(matches!(named("msa.phase").data, Some(Data::Gauge(_))));
    assert_eq!(named("process.memory.usage").unit, "By");
    assert!(metrics.iter().all(|metric| metric.name != "target"));
    let users = collector.metrics("user-service");
    assert!(users.iter().any(|one| one.name == served.name));
    let kept = collector.0.lock().unwrap();
    let (headers, request) = &kept.metrics[0];
    assert_eq!(headers["x-tenant"], "a b");
    let resource = request.resource_metrics[0].resource.clone().unwrap();
    assert_eq!(text(&resource.attributes, "team").as_deref(), Some("shop"));
    let spans = kept.traces[0].1.resource_spans[0].resource.clone();
    let instance = |of: &[KeyValue]| text(of, "service.instance.id").unwrap();
    assert_eq!(
        instance(&resource.attributes),
        instance(&spans.unwrap().attributes),
        "one process, one instance"
    );
}

#[tokio::test]
async fn the_numbers_of_two_services_reach_a_collector_over_http() {
    let collector = Collector::default();
    let addr = collector.over_http().await;
    numbers_over("http/protobuf", addr, &collector).await;
}

#[tokio::test]
async fn the_numbers_of_two_services_reach_a_collector_over_grpc() {
    let collector = Collector::default();
    let addr = collector.over_grpc().await;
    numbers_over("grpc", addr, &collector).await;
}

/// Each push that a collector got of a service, as the sums of a metric in it.
fn pushes(collector: &Collector, metric: &str) -> Vec<i64> {
    let kept = collector.0.lock().unwrap();
    let each = kept.metrics.iter().map(|(_, request)| {
        let metrics = request.resource_metrics.iter();
        let metrics = metrics.flat_map(|one| one.scope_metrics.iter());
        let named = metrics
            .flat_map(|scope| &scope.metrics)
            .find(|one| one.name == metric);
        let Some(Data::Sum(sum)) = named.and_then(|one| one.data.as_ref()) else {
            return 0;
        };
        let points = sum.data_points.iter();
        let numbers = points.filter_map(|point| match point.value {
            Some(Number::AsInt(count)) => Some(count),
            _ => None,
        });
        numbers.sum()
    });
    each.collect()
}

#[tokio::test]
async fn deltas_add_up_to_what_happened_and_what_a_collector_refuses_is_counted() {
    let collector = Collector::default();
    collector
        .0
        .lock()
        .unwrap()
        .refusals
        .push(ExportMetricsPartialSuccess {
            rejected_data_points: 3,
            error_message: "too old".into(),
        });
    let endpoint = format!("http://{}/v1/metrics", collector.over_http().await);
    let (front, users) = two_services(&[
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint),
    ]);
    for asked in 1..=3 {
        ask(&front).await;
        // One push tells of this request before the next one is made.
        while pushes(&collector, "msa.picks").iter().sum::<i64>() < asked {
            tokio::task::yield_now().await;
        }
    }
    let client = ServiceClient::builder()
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    let admin = front.admin_addr().unwrap();
    let page = client.get(format!("http://{admin}/metrics")).send();
    let page = page.await.unwrap().text().await.unwrap();
    stop(front).await;
    stop(users).await;
    let told = pushes(&collector, "msa.picks");
    assert_eq!(told.iter().sum::<i64>(), 3);
    assert_eq!(told.iter().filter(|count| **count > 0).count(), 3);
    assert!(
        page.contains("msa_metrics_pushes_total{outcome=\"exported\"}"),
        "{page}"
    );
    assert!(
        !page.contains("msa_traces_spans_total"),
        "none are recorded"
    );
}

#[tokio::test]
async fn one_trace_of_two_services_reaches_a_collector_over_http() {
    let collector = Collector::default();
    let addr = collector.over_http().await;
    one_trace_over("http/protobuf", addr, &collector).await;
}

#[tokio::test]
async fn one_trace_of_two_services_reaches_a_collector_over_grpc() {
    let collector = Collector::default();
    let addr = collector.over_grpc().await;
    one_trace_over("grpc", addr, &collector).await;
}

#[cfg(feature = "zipkin")]
#[tokio::test]
async fn the_same_trace_reaches_zipkin() {
    use std::sync::{Arc, Mutex};

    use axum::Json;
    use axum::routing::post;
    use serde_json::Value;
    use tokio::net::TcpListener;

    let kept = Arc::<Mutex<Vec<Value>>>::default();
    let taken = kept.clone();
    let take = move |Json(spans): Json<Vec<Value>>| async move {
        taken.lock().unwrap().extend(spans);
        http::StatusCode::ACCEPTED
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/api/v2/spans", listener.local_addr().unwrap());
    let routes = Router::new().route("/api/v2/spans", post(take));
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let (front, users) = two_services(&[
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &endpoint),
        ("OTEL_PROPAGATORS", "b3"),
    ]);
    let gtxid = ask(&front).await;
    stop(front).await;
    stop(users).await;
    let spans = kept.lock().unwrap();
    assert_eq!(spans.len(), 4, "{spans:#?}");
    assert!(spans.iter().all(|span| span["traceId"] == gtxid.as_str()));
    let find = |kind: &str, service: &str| {
        let mut found = spans.iter().filter(|span| span["kind"] == kind);
        found
            .find(|span| span["localEndpoint"]["serviceName"] == service)
            .unwrap()
    };
    let user = find("SERVER", "user-service");
    assert!(
        spans.iter().any(|span| span["id"] == user["parentId"]),
        "by B3: {spans:#?}"
    );
}

#[tokio::test]
async fn a_dead_collector_neither_fails_a_request_nor_holds_up_the_end() {
    let nobody = ClosedPort::bind().unwrap();
    let endpoint = format!("http://{}", nobody.addr());
    let users = service(
        "user-service",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
            ("MSA_SERVER__DRAIN__FLUSH", "50ms"),
        ],
    );
    let traces = users.traces().clone();
    let pushes = users.pushes().unwrap();
    let running = users
        .routes(Router::new().route("/greet", get(|| async {})))
        .start()
        .unwrap();
    for _ in 0..50 {
        ask(&running).await;
    }
    let end = tokio::time::timeout(Duration::from_secs(20), stop(running));
    end.await.unwrap();
    let counts = traces.counts();
    assert_eq!(pushes.get().exported, 0);
    assert_eq!(counts.exported, 0);
    assert!(
        counts.dropped > 0 && counts.dropped + counts.failed <= 50,
        "{counts:?}"
    );
}

#[tokio::test]
async fn nothing_is_exported_where_the_variables_say_so() {
    let collector = Collector::default();
    let endpoint = format!("http://{}", collector.over_http().await);
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ] {
        let (front, users) =
            two_services(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), (name, value)]);
        ask(&front).await;
        stop(front).await;
        stop(users).await;
        let mut kept = collector.0.lock().unwrap();
        let only = name.contains("METRICS");
        assert_eq!(kept.traces.is_empty(), !only, "{name}");
        let disabled = name == "OTEL_SDK_DISABLED";
        assert_eq!(kept.metrics.is_empty(), only || disabled, "{name}");
        *kept = Kept::default();
    }
}
