//! The OpenTelemetry collector.

use http::{HeaderMap, HeaderName};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{
    Compression, SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
};

use super::client::{Client, url};
use super::resource;
use crate::config::{OtlpCompression, OtlpProtocol, TelemetrySettings};
use crate::telemetry::traces::TracesError;

const ENDPOINT: &str = "telemetry.otlp.endpoint";
const TRACES_ENDPOINT: &str = "telemetry.traces.otlp_endpoint";

/// Inside a runtime.
pub(super) fn exporter(settings: &TelemetrySettings) -> Result<SpanExporter, TracesError> {
    let otlp = &settings.otlp;
    let over_http = otlp.protocol == OtlpProtocol::HttpProtobuf;
    let endpoint = match (&settings.traces.otlp_endpoint, &otlp.endpoint) {
        (Some(own), _) => url(TRACES_ENDPOINT, own)?,
        (None, Some(all)) if over_http => url(
            ENDPOINT,
            &format!("{}/v1/traces", all.trim().trim_end_matches('/')),
        )?,
        (None, Some(all)) => url(ENDPOINT, all)?,
        (None, None) if over_http => url(ENDPOINT, "http://localhost:4318/v1/traces")?,
        (None, None) => url(ENDPOINT, "http://localhost:4317")?,
    };
    let headers = resource::pairs(otlp.headers.expose());
    let refused = |error| TracesError::exporter(endpoint.as_str(), error);
    let compression = match otlp.compression {
        OtlpCompression::Gzip => Some(Compression::Gzip),
        OtlpCompression::None => None,
    };
    if over_http {
        let client = Client::new(&endpoint, otlp.timeout.get(), otlp.ca_file.as_deref())?;
        let mut builder = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(endpoint.as_str())
            .with_timeout(otlp.timeout.get())
            .with_headers(headers.into_iter().collect());
        if let Some(compression) = compression {
            builder = builder.with_compression(compression);
        }
        return builder.build().map_err(refused);
    }
    let mut metadata = HeaderMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            metadata.insert(name, value);
        }
    }
    let mut builder = SpanExporter::builder()
        .with_tonic()
        .with_protocol(opentelemetry_otlp::Protocol::Grpc)
        .with_endpoint(endpoint.as_str())
        .with_timeout(otlp.timeout.get())
        .with_metadata(MetadataMap::from_headers(metadata));
    if let Some(compression) = compression {
        builder = builder.with_compression(compression);
    }
    if endpoint.scheme() == "https" {
        builder = secured(builder, settings)?;
    }
    builder.build().map_err(refused)
}

type Tonic = opentelemetry_otlp::SpanExporterBuilder<opentelemetry_otlp::TonicExporterBuilderSet>;

#[cfg(feature = "tls")]
fn secured(builder: Tonic, settings: &TelemetrySettings) -> Result<Tonic, TracesError> {
    use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};

    let mut tls = ClientTlsConfig::new().with_native_roots();
    if let Some(path) = &settings.otlp.ca_file {
        let pem = std::fs::read(path)
            .map_err(|error| TracesError::exporter(&path.display().to_string(), error))?;
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    Ok(builder.with_tls_config(tls))
}

#[cfg(not(feature = "tls"))]
fn secured(_builder: Tonic, _settings: &TelemetrySettings) -> Result<Tonic, TracesError> {
    Err(TracesError::Feature { feature: "tls" })
}
