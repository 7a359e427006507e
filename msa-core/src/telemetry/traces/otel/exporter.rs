//! Who takes the spans.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};

use super::console::Console;
use crate::config::{TelemetrySettings, TraceExporter};
use crate::telemetry::traces::TracesError;

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
        resource: &Resource,
    ) -> Result<Option<Self>, TracesError> {
        let mut exporter = match chosen(settings) {
            TraceExporter::Console => Self::Console(Console::default()),
            TraceExporter::Otlp => otlp(settings)?,
            TraceExporter::Zipkin => zipkin(settings)?,
            TraceExporter::Auto | TraceExporter::None => return Ok(None),
        };
        match &mut exporter {
            Self::Console(exporter) => exporter.set_resource(resource),
            #[cfg(feature = "otlp")]
            Self::Otlp(exporter) => exporter.set_resource(resource),
            #[cfg(feature = "zipkin")]
            Self::Zipkin(exporter) => exporter.set_resource(resource),
            #[cfg(test)]
            Self::Test(_) => {}
        }
        Ok(Some(exporter))
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
    let has_collector = settings.otlp.endpoint.is_some() || settings.traces.otlp_endpoint.is_some();
    match settings.traces.exporter {
        _ if settings.disabled => TraceExporter::None,
        TraceExporter::Auto if has_collector => TraceExporter::Otlp,
        TraceExporter::Auto => TraceExporter::None,
        named => named,
    }
}

#[cfg(feature = "otlp")]
fn otlp(settings: &TelemetrySettings) -> Result<Exporter, TracesError> {
    let exporter = super::otlp::exporter(settings)?;
    Ok(Exporter::Otlp(Box::new(exporter)))
}

#[cfg(not(feature = "otlp"))]
fn otlp(_settings: &TelemetrySettings) -> Result<Exporter, TracesError> {
    Err(TracesError::Feature { feature: "otlp" })
}

#[cfg(feature = "zipkin")]
fn zipkin(settings: &TelemetrySettings) -> Result<Exporter, TracesError> {
    let exporter = super::zipkin::Zipkin::new(settings)?;
    Ok(Exporter::Zipkin(Box::new(exporter)))
}

#[cfg(not(feature = "zipkin"))]
fn zipkin(_settings: &TelemetrySettings) -> Result<Exporter, TracesError> {
    Err(TracesError::Feature { feature: "zipkin" })
}
