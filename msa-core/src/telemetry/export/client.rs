//! The HTTP of the exporters: reqwest, as the calls of the service use it.

use std::path::Path;
use std::time::Duration;
#[cfg(feature = "otlp")]
use std::{future::Future, pin::Pin};

#[cfg(feature = "otlp")]
use bytes::Bytes;
#[cfg(feature = "otlp")]
use http::{HeaderMap, Request, Response};
#[cfg(feature = "otlp")]
use opentelemetry_http::{HttpClient, HttpError};
use url::Url;

use super::{ExportError, shown};

/// No collector answers more than a few words.
#[cfg(feature = "otlp")]
const MAX_ANSWER: u64 = 1024 * 1024;

/// Sends what the exporters wrote.
#[derive(Debug)]
pub(in crate::telemetry) struct Client(reqwest::Client);

impl Client {
    pub(in crate::telemetry) fn new(
        to: &Url,
        timeout: Duration,
        ca_file: Option<&Path>,
        identity: Option<(&Path, &Path)>,
    ) -> Result<Self, ExportError> {
        let builder = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none());
        let builder = secured(builder, to, ca_file, identity)?;
        let client = builder
            .build()
            .map_err(|error| ExportError::exporter(to.as_str(), error))?;
        Ok(Self(client))
    }
}

#[cfg(feature = "tls")]
fn secured(
    builder: reqwest::ClientBuilder,
    to: &Url,
    ca_file: Option<&Path>,
    identity: Option<(&Path, &Path)>,
) -> Result<reqwest::ClientBuilder, ExportError> {
    let config = match to.scheme() {
        "https" => crate::tls::trusting_as(ca_file, identity),
        _ => crate::tls::trusting_nobody(),
    };
    let config = config.map_err(|error| ExportError::exporter(to.as_str(), error))?;
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(not(feature = "tls"))]
fn secured(
    builder: reqwest::ClientBuilder,
    to: &Url,
    _ca_file: Option<&Path>,
    _identity: Option<(&Path, &Path)>,
) -> Result<reqwest::ClientBuilder, ExportError> {
    match to.scheme() {
        "https" => Err(ExportError::Feature { feature: "tls" }),
        _ => Ok(builder),
    }
}

/// An address that a setting names.
pub(in crate::telemetry) fn url(key: &'static str, text: &str) -> Result<Url, ExportError> {
    let read: Option<Url> = text.trim().parse().ok();
    read.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| ExportError::Endpoint {
            key,
            text: shown(text),
        })
}

#[cfg(feature = "zipkin")]
impl Client {
    /// Sends one document; what is answered but the status is of no interest.
    pub(in crate::telemetry) async fn post_json(
        &self,
        to: &Url,
        document: &serde_json::Value,
    ) -> Result<http::StatusCode, reqwest::Error> {
        let sent = self.0.post(to.clone()).json(document).send().await;
        // Its URL may have a key in it, and errors are logged.
        sent.map(|answer| answer.status())
            .map_err(reqwest::Error::without_url)
    }
}

#[cfg(feature = "otlp")]
impl Client {
    /// Sends bytes, and gives back what was answered, of which no more than a little is read.
    pub(in crate::telemetry) async fn post(
        &self,
        to: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(http::StatusCode, Bytes), HttpError> {
        let request = self.0.post(to.clone()).headers(headers).body(body);
        let answered = request.send().await;
        // A URL may have a key in its query.
        let mut answer = answered.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        Ok((status, read(&mut answer).await?))
    }
}

/// The answer's body, up to a bound.
#[cfg(feature = "otlp")]
async fn read(answer: &mut reqwest::Response) -> Result<Bytes, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = (answer.chunk().await).map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > MAX_ANSWER {
            return Err(opentelemetry_http::ResponseBodyTooLarge::new().into());
        }
    }
    Ok(body.into())
}

#[cfg(feature = "otlp")]
impl HttpClient for Client {
    // Written out as the trait's `async_trait` does.
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)?;
            // Its URL may have a key in it, and errors are logged.
            let sent = self.0.execute(request).await;
            let sent = sent.map_err(reqwest::Error::without_url);
            let mut answer = sent.inspect_err(|error| {
                // The exporter of spans says of any error only that it was the network's.
                let error = super::chain(error);
                tracing::debug!(target: "msa::traces", error, "the collector did not answer");
            })?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                *headers = std::mem::take(answer.headers_mut());
            }
            let body = read(&mut answer).await?;
            Ok(response.body(body)?)
        })
    }
}
