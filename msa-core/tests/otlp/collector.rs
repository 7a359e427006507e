//! A collector that keeps what it gets, over HTTP and gRPC.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
pub(crate) struct Collector(pub(crate) Arc<Mutex<Kept>>);

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) traces: Vec<(HeaderMap, ExportTraceServiceRequest)>,
    pub(crate) metrics: Vec<(HeaderMap, ExportMetricsServiceRequest)>,
    /// What is answered to metrics, the first first; then it is well.
    pub(crate) refusals: Vec<ExportMetricsPartialSuccess>,
}

impl Collector {
    fn keep_traces(&self, headers: HeaderMap, request: ExportTraceServiceRequest) {
        self.0.lock().unwrap().traces.push((headers, request));
    }

    fn keep_metrics(
        &self,
        headers: HeaderMap,
        request: ExportMetricsServiceRequest,
    ) -> ExportMetricsServiceResponse {
        let mut kept = self.0.lock().unwrap();
        kept.metrics.push((headers, request));
        ExportMetricsServiceResponse {
            partial_success: kept.refusals.pop(),
        }
    }

    /// What it answers over HTTP.
    pub(crate) fn http(&self) -> Router {
        let collector = self.clone();
        let traces = move |headers: HeaderMap, body: Bytes| async move {
            let body = inflated(&headers, body);
            collector.keep_traces(headers, ExportTraceServiceRequest::decode(body).unwrap());
            ExportTraceServiceResponse::default().encode_to_vec()
        };
        let collector = self.clone();
        let metrics = move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let body = inflated(&headers, body);
            let request = ExportMetricsServiceRequest::decode(body).unwrap();
            collector.keep_metrics(headers, request).encode_to_vec()
        };
        Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
    }

    pub(crate) async fn over_http(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = self.http();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        addr
    }

    fn services(&self) -> tonic::service::Routes {
        let gzip = tonic::codec::CompressionEncoding::Gzip;
        let traces = TraceServiceServer::new(self.clone()).accept_compressed(gzip);
        let metrics = MetricsServiceServer::new(self.clone()).accept_compressed(gzip);
        tonic::service::Routes::new(traces).add_service(metrics)
    }

    /// What it answers over gRPC.
    pub(crate) fn grpc(&self) -> Router {
        self.services().into_axum_router()
    }

    pub(crate) async fn over_grpc(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let served = tonic::transport::Server::builder()
            .add_routes(self.services())
            .serve_with_incoming(incoming);
        tokio::spawn(served);
        addr
    }

    /// All metrics that a service pushed, the last push first.
    pub(crate) fn metrics(&self, service: &str) -> Vec<Metric> {
        let kept = self.0.lock().unwrap();
        let resources = (kept.metrics.iter().rev()).flat_map(|(_, one)| &one.resource_metrics);
        let own = resources.filter(|one| {
            let attributes = &one.resource.as_ref().unwrap().attributes;
            text(attributes, "service.name").as_deref() == Some(service)
        });
        let scopes = own.flat_map(|one| &one.scope_metrics);
        scopes.flat_map(|scope| scope.metrics.clone()).collect()
    }

    /// Spans with the name of their service.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        let kept = self.0.lock().unwrap();
        let requests = kept.traces.iter();
        let resources = requests.flat_map(|(_, request)| &request.resource_spans);
        let mut spans = Vec::new();
        for resource in resources {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            let name = text(attributes, "service.name").unwrap();
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
        self.keep_traces(metadata.into_headers(), request);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        let answer = self.keep_metrics(metadata.into_headers(), request);
        Ok(tonic::Response::new(answer))
    }
}

fn inflated(headers: &HeaderMap, body: Bytes) -> Bytes {
    use std::io::Read as _;

    if !headers.contains_key("content-encoding") {
        return body;
    }
    assert_eq!(headers["content-encoding"], "gzip");
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&*body);
    decoder.read_to_end(&mut text).unwrap();
    text.into()
}

/// The text of an attribute.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        other => panic!("{key}: {other:?}"),
    }
}
