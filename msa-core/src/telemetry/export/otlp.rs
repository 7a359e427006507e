//! Where the OpenTelemetry collector takes a signal, and how it is spoken to.

use http::{HeaderMap, HeaderName};
use url::Url;

use super::ExportError;
use super::client::{Client, url};
use super::resource::pairs;
use crate::config::{OtlpProtocol, OtlpSettings, OtlpSignalSettings, TelemetrySettings};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub(in crate::telemetry) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    fn own(self, settings: &TelemetrySettings) -> &OtlpSignalSettings {
        match self {
            Self::Traces => &settings.traces.otlp,
            Self::Metrics => &settings.metrics.otlp,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Traces => "telemetry.traces.otlp.endpoint",
            Self::Metrics => "telemetry.metrics.otlp.endpoint",
        }
    }
}

/// The collector of one signal.
#[derive(Debug)]
pub(in crate::telemetry) struct Target {
    pub(in crate::telemetry) endpoint: Url,
    pub(in crate::telemetry) headers: HeaderMap,
    /// All of it but the endpoint.
    pub(in crate::telemetry) settings: OtlpSettings,
}

impl Target {
    pub(in crate::telemetry) fn of(
        signal: Signal,
        settings: &TelemetrySettings,
    ) -> Result<Self, ExportError> {
        const COMMON: &str = "telemetry.otlp.endpoint";
        let own = signal.own(settings);
        let otlp = settings.otlp.with(own);
        let over_http = otlp.protocol == OtlpProtocol::HttpProtobuf;
        let read = |key, text: &str| {
            // Only gRPC's endpoints may lack a scheme.
            let text = match (over_http, text.contains("://"), otlp.insecure) {
                (false, false, true) => &format!("http://{}", text.trim()),
                (false, false, false) => &format!("https://{}", text.trim()),
                _ => text,
            };
            url(key, text)
        };
        let endpoint = match (&own.endpoint, &otlp.endpoint) {
            (Some(own), _) => read(signal.key(), own)?,
            (None, Some(all)) if over_http => {
                let base = all.trim().trim_end_matches('/');
                read(COMMON, &format!("{base}/{}", signal.path()))?
            }
            (None, Some(all)) => read(COMMON, all)?,
            (None, None) if over_http => {
                read(COMMON, &format!("http://localhost:4318/{}", signal.path()))?
            }
            (None, None) => read(COMMON, "http://localhost:4317")?,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs(otlp.headers.expose()) {
            let name = name.to_ascii_lowercase();
            if let (Ok(name), Ok(mut value)) = (
                name.parse::<HeaderName>(),
                value.parse::<http::HeaderValue>(),
            ) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Ok(Self {
            endpoint,
            headers,
            settings: otlp,
        })
    }

    pub(in crate::telemetry) fn is_grpc(&self) -> bool {
        self.settings.protocol == OtlpProtocol::Grpc
    }

    /// Inside a runtime.
    pub(in crate::telemetry) fn http(&self) -> Result<Client, ExportError> {
        let otlp = &self.settings;
        let identity = self.identity()?;
        Client::new(
            &self.endpoint,
            otlp.timeout.get(),
            otlp.ca_file.as_deref(),
            identity,
        )
    }

    fn identity(&self) -> Result<Option<(&std::path::Path, &std::path::Path)>, ExportError> {
        let otlp = &self.settings;
        match (&otlp.client_certificate, &otlp.client_key) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) => Ok(None),
            _ => Err(ExportError::HalfIdentity),
        }
    }

    /// What gRPC needs for an `https` endpoint; `None` for others.
    #[cfg(feature = "tls")]
    pub(in crate::telemetry) fn grpc_tls(
        &self,
    ) -> Result<Option<tonic::transport::ClientTlsConfig>, ExportError> {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};

        let identity = self.identity()?;
        if self.endpoint.scheme() != "https" {
            return Ok(None);
        }
        let read = |path: &std::path::Path| {
            std::fs::read(path)
                .map_err(|error| ExportError::exporter(&path.display().to_string(), error))
        };
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(path) = &self.settings.ca_file {
            tls = tls.ca_certificate(Certificate::from_pem(read(path)?));
        }
        if let Some((certificate, key)) = identity {
            tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        Ok(Some(tls))
    }

    /// Nothing, or an error for an `https` endpoint, without the feature `tls`.
    #[cfg(not(feature = "tls"))]
    pub(in crate::telemetry) fn grpc_tls(
        &self,
    ) -> Result<Option<std::convert::Infallible>, ExportError> {
        match self.endpoint.scheme() {
            "https" => Err(ExportError::Feature { feature: "tls" }),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_signals_own_endpoint_is_taken_as_it_is_and_the_common_one_gets_a_path() {
        let mut settings = TelemetrySettings::default();
        let at = |signal, settings: &TelemetrySettings| {
            Target::of(signal, settings).unwrap().endpoint.to_string()
        };
        assert_eq!(
            at(Signal::Metrics, &settings),
            "http://localhost:4318/v1/metrics"
        );
        settings.otlp.endpoint = Some("http://c:4318/base/".into());
        settings.metrics.otlp.endpoint = Some("http://m:1".into());
        assert_eq!(
            at(Signal::Traces, &settings),
            "http://c:4318/base/v1/traces"
        );
        assert_eq!(at(Signal::Metrics, &settings), "http://m:1/");
    }

    #[test]
    fn without_a_scheme_grpc_is_secure_unless_it_is_said_to_be_insecure() {
        let mut settings = TelemetrySettings::default();
        settings.otlp.endpoint = Some("collector:4317".into());
        let at = |settings: &TelemetrySettings| {
            Target::of(Signal::Traces, settings).map(|target| target.endpoint.to_string())
        };
        let error = at(&settings).unwrap_err().to_string();
        assert!(error.contains("telemetry.otlp.endpoint"), "{error}");
        settings.traces.otlp.protocol = Some(OtlpProtocol::Grpc);
        assert_eq!(at(&settings).unwrap(), "https://collector:4317/");
        settings.otlp.insecure = true;
        assert_eq!(at(&settings).unwrap(), "http://collector:4317/");
    }

    #[test]
    fn a_signals_own_headers_stand_in_place_of_the_common_ones_and_no_log_shows_them() {
        let mut settings = TelemetrySettings::default();
        settings.otlp.headers = Secret::new("authorization=canary,x-all=1");
        settings.metrics.otlp.headers = Some(Secret::new("X-Own=a%20b"));
        let traces = Target::of(Signal::Traces, &settings).unwrap();
        let metrics = Target::of(Signal::Metrics, &settings).unwrap();
        assert_eq!(traces.headers.len(), 2);
        assert_eq!(metrics.headers.len(), 1);
        assert_eq!(metrics.headers["x-own"], "a b");
        assert!(!format!("{traces:?}").contains("canary"));
    }
}
