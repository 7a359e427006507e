//! Whole services that export to a collector on loopback, over HTTP and gRPC, as the variables of OpenTelemetry say.

#![cfg(all(feature = "otlp", feature = "test-util"))]
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use msa_core::Service;
use msa_core::client::ServiceClient;
use msa_core::config::Loader;
use msa_core::service::Running;
use msa_core::testing::ClosedPort;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>);

impl Collector {
    fn keep(&self, headers: HeaderMap, request: ExportTraceServiceRequest) {
        self.0.lock().unwrap().push((headers, request));
    }

    async fn over_http(&self) -> SocketAddr {
        let collector = self.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            collector.keep(headers, ExportTraceServiceRequest::decode(body).unwrap());
            ExportTraceServiceResponse::default().encode_to_vec()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        addr
    }

    async fn over_grpc(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let served = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(incoming);
        tokio::spawn(served);
        addr
    }

    /// Spans with the name of their service.
    fn spans(&self) -> Vec<(String, Span)> {
        let kept = self.0.lock().unwrap();
        let resources = kept.iter().flat_map(|(_, request)| &request.resource_spans);
        let mut spans = Vec::new();
        for resource in resources {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            let name = attributes.iter().find(|one| one.key == "service.name");
            let Some(Value::StringValue(name)) = name.and_then(|name| name.value.clone()?.value)
            else {
                panic!("a resource without a service's name: {attributes:?}")
            };
            let own = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
            spans.extend(own.map(|span| (name.clone(), span.clone())));
        }
        spans
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.keep(metadata.into_headers(), request);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn service(name: &str, variables: &[(&str, &str)]) -> Service {
    let fixed = [
        ("MSA_SERVER__ADDR", "127.0.0.1:0"),
        ("MSA_ADMIN__ENABLED", "false"),
        ("MSA_SERVER__DRAIN__LAG", "0s"),
    ];
    let env = fixed.iter().chain(variables);
    let env = env.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let config = Loader::new(name)
        .env(env)
        .toml_str("msa.toml", "")
        .load()
        .unwrap();
    Service::builder(name).with_config(config).unwrap()
}

/// `front` calls `user-service`.
fn two_services(variables: &[(&str, &str)]) -> (Running, Running) {
    let users = service("user-service", variables)
        .routes(Router::new().route("/users/{id}", get(|| async { Json("Ada") })))
        .start()
        .unwrap();
    let endpoints = format!("http://{}", users.addr());
    let endpoints = [("MSA_CLIENTS__USER_SERVICE__ENDPOINTS", endpoints.as_str())];
    let variables: Vec<_> = variables.iter().copied().chain(endpoints).collect();
    let front = service("front", &variables);
    let client = front.client();
    let greet = move || async move {
        let answer = client.get("http://user-service/users/7").send();
        answer.await.unwrap().text().await.unwrap()
    };
    let front = front.routes(Router::new().route("/greet", get(greet)));
    (front.start().unwrap(), users)
}

async fn ask(running: &Running) -> String {
    let client = ServiceClient::builder()
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    let url = format!("http://{}/greet", running.addr());
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.headers()["x-gtxid"].to_str().unwrap().to_owned()
}

async fn stop(running: Running) {
    running.stop();
    running.finished().await.unwrap();
}

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
    let trace: String = server
        .trace_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(trace, gtxid);
    let kept = collector.0.lock().unwrap();
    assert!(kept.iter().all(|(headers, _)| headers["x-tenant"] == "a b"));
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
    use serde_json::Value;

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
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
            ("MSA_SERVER__DRAIN__FLUSH", "50ms"),
        ],
    );
    let traces = users.traces().clone();
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
    ] {
        let (front, users) =
            two_services(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), (name, value)]);
        ask(&front).await;
        stop(front).await;
        stop(users).await;
        assert!(collector.spans().is_empty(), "{name}");
    }
}
