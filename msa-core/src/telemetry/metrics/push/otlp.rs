//! The OpenTelemetry collector.

use std::error::Error;
use std::fmt;
use std::io::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use prost::Message as _;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::exporter::Answer;
use super::message;
use super::series::Batch;
use crate::config::{OtlpCompression, TelemetrySettings};
use crate::telemetry::export::client::Client;
use crate::telemetry::export::otlp::{Signal, Target};
use crate::telemetry::export::{ExportError, Resource, chain};

/// Sends messages to the collector.
pub(super) struct Otlp {
    resource: ResourceMessage,
    headers: HeaderMap,
    way: Way,
}

enum Way {
    Http {
        client: Client,
        endpoint: Url,
        gzip: bool,
    },
    Grpc(MetricsServiceClient<Channel>),
}

impl Otlp {
    /// Inside a runtime.
    pub(super) fn of(
        settings: &TelemetrySettings,
        resource: &Resource,
    ) -> Result<Self, ExportError> {
        let target = Target::of(Signal::Metrics, settings)?;
        let gzip = target.settings.compression == OtlpCompression::Gzip;
        let mut headers = target.headers.clone();
        let way = if target.is_grpc() {
            let client = MetricsServiceClient::new(channel(&target)?);
            Way::Grpc(match gzip {
                true => client.send_compressed(CompressionEncoding::Gzip),
                false => client,
            })
        } else {
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            headers.insert(CONTENT_TYPE, protobuf);
            if gzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Way::Http {
                client: target.http()?,
                endpoint: target.endpoint,
                gzip,
            }
        };
        Ok(Self {
            resource: message::resource(resource),
            headers,
            way,
        })
    }

    pub(super) async fn export(&self, batch: &Batch) -> Answer {
        let request = message::request(&self.resource, batch);
        match &self.way {
            Way::Http {
                client,
                endpoint,
                gzip,
            } => {
                let body = match encoded(&request, *gzip) {
                    Ok(body) => body,
                    Err(error) => return Answer::Failed(chain(&error)),
                };
                let answered = client.post(endpoint, self.headers.clone(), body).await;
                match answered {
                    Ok((status, body)) if status.is_success() => {
                        // An answer that is none says nothing against what was sent.
                        let answer = ExportMetricsServiceResponse::decode(body).ok();
                        told(answer.and_then(|answer| answer.partial_success))
                    }
                    Ok((status, _)) => {
                        Answer::Failed(format!("{} answered {status}", place(endpoint)))
                    }
                    Err(error) => {
                        Answer::Failed(format!("{}: {}", place(endpoint), chain(&*error)))
                    }
                }
            }
            Way::Grpc(client) => {
                let metadata = MetadataMap::from_headers(self.headers.clone());
                let request =
                    tonic::Request::from_parts(metadata, tonic::Extensions::default(), request);
                match client.clone().export(request).await {
                    Ok(answer) => told(answer.into_inner().partial_success),
                    Err(status) => Answer::Failed(chain(&status)),
                }
            }
        }
    }
}

/// Connects when it is first used.
fn channel(target: &Target) -> Result<Channel, ExportError> {
    let to = target.endpoint.as_str();
    let refused = |error| ExportError::exporter(to, Box::<dyn Error + Send + Sync>::from(error));
    let endpoint = Endpoint::from_shared(to.to_owned())
        .map_err(refused)?
        .timeout(target.settings.timeout.get());
    #[cfg(feature = "tls")]
    let endpoint = match target.grpc_tls()? {
        Some(tls) => endpoint.tls_config(tls).map_err(refused)?,
        None => endpoint,
    };
    #[cfg(not(feature = "tls"))]
    target.grpc_tls()?;
    Ok(endpoint.connect_lazy())
}

fn encoded(request: &ExportMetricsServiceRequest, gzip: bool) -> std::io::Result<Bytes> {
    let bytes = request.encode_to_vec();
    if !gzip {
        return Ok(bytes.into());
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.into())
}

/// Where that is, without what a URL may hold of secrets.
fn place(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let port = endpoint.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}")
}

fn told(partly: Option<ExportMetricsPartialSuccess>) -> Answer {
    match partly {
        Some(partly) if partly.rejected_data_points > 0 || !partly.error_message.is_empty() => {
            let (count, why) = (partly.rejected_data_points, partly.error_message);
            Answer::Partly(format!("the collector refused {count} data points: {why}"))
        }
        _ => Answer::Taken,
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp").finish_non_exhaustive()
    }
}
