//! `telemetry.otlp`: the OpenTelemetry collector.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Secret, Span};

/// The OpenTelemetry collector. Needs the feature `otlp`.
///
/// The variables `OTEL_EXPORTER_OTLP_…` have the last word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// Where it is, such as `http://localhost:4318`; over HTTP `/v1/traces` and `/v1/metrics` are added. Not set, and an exporter is
    /// `otlp`: `http://localhost:4318`, over gRPC port 4317. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub endpoint: Option<String>,
    /// How it is spoken to. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub protocol: OtlpProtocol,
    /// Headers of each export, `authorization=Bearer%20x,tenant=shop`, values percent-encoded. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub headers: Secret,
    /// How long it may take to answer. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub timeout: Span,
    /// Whether what is sent is compressed. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub compression: OtlpCompression,
    /// Certificates of authorities to believe besides the usual ones, a PEM file. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub ca_file: Option<PathBuf>,
    /// This service's own certificate for the collector, with those between it and its authority: a PEM file. Together with
    /// `client_key`. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub client_certificate: Option<PathBuf>,
    /// Its private key, a PEM file. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub client_key: Option<PathBuf>,
    /// Whether an `endpoint` for gRPC that names no scheme (`collector:4317`) is spoken to without TLS. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub insecure: bool,
}

impl Default for OtlpSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: OtlpProtocol::default(),
            headers: Secret::default(),
            timeout: Span::secs(10),
            compression: OtlpCompression::default(),
            ca_file: None,
            client_certificate: None,
            client_key: None,
            insecure: false,
        }
    }
}

/// What is different for one signal; what is not set is as in `telemetry.otlp`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OtlpSignalSettings {
    /// Where the collector takes it, over HTTP with the path, which is taken as it is. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "url"))]
    pub endpoint: Option<String>,
    /// How the collector is spoken to. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub protocol: Option<OtlpProtocol>,
    /// Headers of each export, in place of those of `telemetry.otlp.headers`. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub headers: Option<Secret>,
    /// How long one export may take. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub timeout: Option<Span>,
    /// Whether it is compressed. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub compression: Option<OtlpCompression>,
    /// Certificates of authorities to believe besides the usual ones, a PEM file. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub ca_file: Option<PathBuf>,
    /// This service's own certificate, a PEM file. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub client_certificate: Option<PathBuf>,
    /// Its private key, a PEM file. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub client_key: Option<PathBuf>,
    /// Whether an `endpoint` for gRPC that names no scheme is spoken to without TLS. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub insecure: Option<bool>,
}

impl OtlpSettings {
    /// With what is different for a signal. The endpoint stays the common one, to which a path may have to be added.
    #[must_use]
    pub fn with(&self, own: &OtlpSignalSettings) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            protocol: own.protocol.unwrap_or(self.protocol),
            headers: own.headers.as_ref().unwrap_or(&self.headers).clone(),
            timeout: own.timeout.unwrap_or(self.timeout),
            compression: own.compression.unwrap_or(self.compression),
            ca_file: own.ca_file.as_ref().or(self.ca_file.as_ref()).cloned(),
            client_certificate: (own.client_certificate.as_ref())
                .or(self.client_certificate.as_ref())
                .cloned(),
            client_key: own
                .client_key
                .as_ref()
                .or(self.client_key.as_ref())
                .cloned(),
            insecure: own.insecure.unwrap_or(self.insecure),
        }
    }
}

/// How the collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protocol buffers over HTTP/1.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// gRPC.
    #[serde(rename = "grpc")]
    Grpc,
}

/// Whether what is sent to the collector is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum OtlpCompression {
    /// As it is.
    #[default]
    None,
    /// By gzip.
    Gzip,
}
