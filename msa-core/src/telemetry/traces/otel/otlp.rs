//! The OpenTelemetry collector.

use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{
    Compression, SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
};

use crate::config::{OtlpCompression, TelemetrySettings};
use crate::telemetry::export::ExportError;
use crate::telemetry::export::otlp::{Signal, Target};

/// Inside a runtime.
pub(super) fn exporter(settings: &TelemetrySettings) -> Result<SpanExporter, ExportError> {
    let target = Target::of(Signal::Traces, settings)?;
    let endpoint = target.endpoint.as_str();
    let timeout = target.settings.timeout.get();
    let refused = |error| ExportError::exporter(endpoint, error);
    let compression = match target.settings.compression {
        OtlpCompression::Gzip => Some(Compression::Gzip),
        OtlpCompression::None => None,
    };
    if !target.is_grpc() {
        let headers = target.headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let mut builder = SpanExporter::builder()
            .with_http()
            .with_http_client(target.http()?)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(timeout)
            .with_headers(headers.collect());
        if let Some(compression) = compression {
            builder = builder.with_compression(compression);
        }
        return builder.build().map_err(refused);
    }
    let mut builder = SpanExporter::builder()
        .with_tonic()
        .with_protocol(opentelemetry_otlp::Protocol::Grpc)
        .with_endpoint(endpoint)
        .with_timeout(timeout)
        .with_metadata(MetadataMap::from_headers(target.headers.clone()));
    if let Some(compression) = compression {
        builder = builder.with_compression(compression);
    }
    builder = secured(builder, &target)?;
    builder.build().map_err(refused)
}

type Tonic = opentelemetry_otlp::SpanExporterBuilder<opentelemetry_otlp::TonicExporterBuilderSet>;

#[cfg(feature = "tls")]
fn secured(builder: Tonic, target: &Target) -> Result<Tonic, ExportError> {
    Ok(match target.grpc_tls()? {
        Some(tls) => builder.with_tls_config(tls),
        None => builder,
    })
}

#[cfg(not(feature = "tls"))]
fn secured(builder: Tonic, target: &Target) -> Result<Tonic, ExportError> {
    target.grpc_tls()?;
    Ok(builder)
}
