//! Every setting of msa itself, typed, with its default.
//!
//! Two kinds: a *live* setting takes effect when a changed file is read; a setting marked **Restart** keeps the value it had
//! at the start, and the reload says so. The mark is part of the schema (`x-msa-restart`), so nothing has to be listed twice.

mod admin_tls;
mod algorithms;
mod balance;
mod breaker;
mod bulkhead;
mod cached;
mod client;
mod fallback;
mod fault;
mod hedge;
mod limit;
mod log;
mod metrics;
mod otlp;
mod outlier;
mod policy;
mod rate_limit;
mod retry;
mod retry_condition;
mod runtime;
mod server;
mod telemetry;
mod throttle;
mod traces;
mod txn;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use admin_tls::AdminTlsSettings;
pub use algorithms::{
    MaglevSettings, PrequalSettings, RingHashSettings, SubsetSettings, ZoneSettings,
};
pub use balance::{BalanceSettings, BalancerName, LatencyEnd};
pub use breaker::BreakerSettings;
pub use bulkhead::BulkheadSettings;
pub use cached::CachedSettings;
pub use client::ClientSettings;
pub use fallback::FallbackSettings;
pub use fault::FaultSettings;
pub use hedge::HedgeSettings;
pub use limit::{
    LimitAlgorithm, LimitMode, LimitQueueSettings, LimitSettings, LimitShareSettings,
    OverloadRouteSettings, OverloadSettings,
};
pub use log::{LogFormat, LogSettings};
pub use metrics::{ExemplarFilter, MetricsExporter, MetricsSettings, Temporality};
pub use otlp::{OtlpCompression, OtlpProtocol, OtlpSettings, OtlpSignalSettings};
pub use outlier::{
    AccrualSettings, ActiveHealthSettings, FailurePercentageSettings, LatencyOutlierSettings,
    OutlierSettings, SlowStartSettings, SuccessRateSettings,
};
pub use policy::{PolicyOverrides, PolicySettings};
pub use rate_limit::{RateLimitKindName, RateLimitSettings, ServerRateLimitSettings};
pub use retry::{BackoffKind, BackoffSettings, BudgetKind, RetryBudgetSettings, RetrySettings};
pub use retry_condition::RetryCondition;
pub use runtime::RuntimeSettings;
pub use server::{CorsSettings, DrainSettings, Http2Settings, ServerSettings};
pub use telemetry::{BaggageSettings, JournalSettings, PropagationFormat, TelemetrySettings};
pub use throttle::ThrottleSettings;
pub use traces::{TraceExporter, TraceSampler, TracesSettings};
pub use txn::{TxnHeaderNames, TxnSettings};

use super::{Secret, Span};

/// Every setting of msa itself.
///
/// `Settings::default()` holds the documented defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Settings {
    /// The main listener and how requests are taken in.
    pub server: ServerSettings,
    /// The management listener.
    pub admin: AdminSettings,
    /// Transactions: ids, hop limit, trust.
    pub txn: TxnSettings,
    /// What is logged and how.
    pub log: LogSettings,
    /// What a service tells of itself, and to whom.
    pub telemetry: TelemetrySettings,
    /// Background health checks.
    pub health: HealthSettings,
    /// The threads that run it all.
    pub runtime: RuntimeSettings,
    /// Where the instances of services are found.
    pub discovery: DiscoverySettings,
    /// The defaults of every client.
    pub client: ClientSettings,
    /// The client of one service, by the service's name; what is not set here is as in `client`.
    ///
    /// `-` and `_` in a name are the same, and the map's keys have `_`: ask [`Settings::client`].
    pub clients: BTreeMap<String, ClientSettings>,
    /// The program's own policies, by name: what is set here overrides what the program built, key by key.
    pub policies: BTreeMap<String, PolicyOverrides>,
}

impl Settings {
    /// The settings for calls to a service: those of `clients.<service>`, and for what they leave open those of `client`.
    ///
    /// `user-service` and `user_service` name the same one. A loaded configuration has the defaults of `client` filled in.
    #[must_use]
    pub fn client(&self, service: &str) -> ClientSettings {
        let own = self
            .clients
            .get(service)
            .or_else(|| self.clients.get(&service.replace('-', "_")));
        own.unwrap_or(&self.client).clone()
    }
}

/// The management listener: probes, metrics and pages for operators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct AdminSettings {
    /// Whether there is one. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub enabled: bool,
    /// Where it listens; port 0 takes a free one. When it is not set and taken, a free port is used and logged. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "socket-addr"))]
    pub addr: SocketAddr,
    /// What `Authorization: Bearer` has to carry for all but the probes. It, or a client's certificate, is needed when `addr` is not on
    /// the loopback interface; obeyed there, too, when it is set.
    pub token: Option<Secret>,
    /// Whether an `addr` off the loopback interface shows everything to everybody when there is no token: where something else
    /// guards it.
    pub open: bool,
    /// Names of this machine, besides `localhost` and addresses, that the loopback listener answers to.
    #[schemars(extend("items" = {"type": "string", "format": "host"}))]
    pub hosts: Vec<String>,
    /// TLS, and clients' certificates.
    pub tls: AdminTlsSettings,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            token: None,
            open: false,
            hosts: Vec::new(),
            tls: AdminTlsSettings::default(),
        }
    }
}

/// Background health checks, unless a check brings its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct HealthSettings {
    /// From the end of one run of a check to the next. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "10ms"))]
    pub interval: Span,
    /// A run that takes longer has failed. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub timeout: Span,
    /// A result that is older counts as failed. At least `interval` and `timeout` together. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "10ms"))]
    pub max_age: Span,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            interval: Span::secs(5),
            timeout: Span::secs(1),
            max_age: Span::secs(30),
        }
    }
}

/// Where the instances of services are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct DiscoverySettings {
    /// A file that lists the endpoints of all services; watched. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub file: Option<PathBuf>,
    /// How often that file is looked at. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "10ms"))]
    pub file_interval: Span,
}

impl Default for DiscoverySettings {
    fn default() -> Self {
        Self {
            file: None,
            file_interval: Span::secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_one_client_whether_written_with_dash_or_underscore() {
        let mut settings = Settings::default();
        let own = ClientSettings {
            timeout: Span::secs(2),
            ..ClientSettings::default()
        };
        settings.clients.insert("user_service".into(), own.clone());
        assert_eq!(settings.client("user-service"), own);
        assert_eq!(settings.client("user_service"), own);
        assert_eq!(settings.client("other"), settings.client);
    }
}
