//! Who takes the spans.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SpanData;
#[cfg(feature = "otlp")]
use opentelemetry_sdk::trace::SpanExporter as _;

use super::console::Console;
use crate::config::{TelemetrySettings, TraceExporter};
use crate::telemetry::export::ExportError;

/// One of those that a setting can name. The trait cannot be boxed.
#[derive(Debug)]
pub(super) enum Exporter {
    Console(Console),
    #[cfg(feature = "otlp")]
    Otlp(Box<opentelemetry_otlp::SpanExporter>),
    #[cfg(feature = "zipkin")]
    Zipkin(Box<super::zipkin::Zipkin>),
    #[cfg(test)]
    Test(super::tests::TestExporter),
}

impl Exporter {
    /// The one that the settings name; `None` when they name none. Inside the runtime that it will run in.
    pub(super) fn of(
        settings: &TelemetrySettings,
        service: &str,
        resource: &Resource,
    ) -> Result<Option<Self>, ExportError> {
        Ok(Some(match chosen(settings) {
            TraceExporter::Console => Self::Console(Console::of(service)),
            TraceExporter::Otlp => otlp(settings, resource)?,
            TraceExporter::Zipkin => zipkin(settings, service)?,
            TraceExporter::Auto | TraceExporter::None => return Ok(None),
        }))
    }

    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Console(exporter) => exporter.export(batch).await,
            #[cfg(feature = "otlp")]
            Self::Otlp(exporter) => exporter.export(batch).await,
            #[cfg(feature = "zipkin")]
            Self::Zipkin(exporter) => exporter.export(batch).await,
            #[cfg(test)]
            Self::Test(exporter) => exporter.export(batch).await,
        }
    }
}

/// What `auto` means here.
pub(super) fn chosen(settings: &TelemetrySettings) -> TraceExporter {
    let own = &settings.traces.otlp.endpoint;
    let has_collector = settings.otlp.endpoint.is_some() || own.is_some();
    match settings.traces.exporter {
        _ if settings.disabled => TraceExporter::None,
        TraceExporter::Auto if has_collector => TraceExporter::Otlp,
        TraceExporter::Auto => TraceExporter::None,
        named => named,
    }
}

#[cfg(feature = "otlp")]
fn otlp(settings: &TelemetrySettings, resource: &Resource) -> Result<Exporter, ExportError> {
    let mut exporter = super::otlp::exporter(settings)?;
    exporter.set_resource(resource);
    Ok(Exporter::Otlp(Box::new(exporter)))
}

#[cfg(not(feature = "otlp"))]
fn otlp(_settings: &TelemetrySettings, _resource: &Resource) -> Result<Exporter, ExportError> {
    Err(ExportError::Feature { feature: "otlp" })
}

#[cfg(feature = "zipkin")]
fn zipkin(settings: &TelemetrySettings, service: &str) -> Result<Exporter, ExportError> {
    let exporter = super::zipkin::Zipkin::new(settings, service)?;
    Ok(Exporter::Zipkin(Box::new(exporter)))
}

#[cfg(not(feature = "zipkin"))]
fn zipkin(_settings: &TelemetrySettings, _service: &str) -> Result<Exporter, ExportError> {
    Err(ExportError::Feature { feature: "zipkin" })
}
