//! Zipkin's own protocol.

#![allow(deprecated)] // OpenTelemetry prefers that Zipkin speaks OTLP, which those in use do not all do

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use opentelemetry_zipkin::ZipkinExporter;

use super::client::{Client, url};
use crate::config::TelemetrySettings;
use crate::telemetry::traces::TracesError;

/// Sends spans to `telemetry.traces.zipkin_endpoint`.
#[derive(Debug)]
pub(super) struct Zipkin(ZipkinExporter);

impl Zipkin {
    pub(super) fn new(settings: &TelemetrySettings) -> Result<Self, TracesError> {
        let key = "telemetry.traces.zipkin_endpoint";
        let endpoint = url(key, &settings.traces.zipkin_endpoint)?;
        let client = Client::new(&endpoint, settings.traces.export_timeout.get(), None)?;
        let exporter = ZipkinExporter::builder()
            .with_http_client(client)
            .with_collector_endpoint(endpoint.as_str())
            .build()
            .map_err(|error| TracesError::exporter(key, error))?;
        Ok(Self(exporter))
    }

    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch).await
    }

    pub(super) fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
