//! `[client]` and `[clients.<service>]`: calls to other services.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActiveHealthSettings, BalanceSettings, BalancerName, BreakerSettings, BulkheadSettings,
    FallbackSettings, FaultSettings, HedgeSettings, LimitSettings, OutlierSettings,
    RateLimitSettings, RetrySettings, SlowStartSettings, ThrottleSettings,
};
use crate::config::{Size, Span};

/// Calls to one service, or the defaults for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientSettings {
    /// Where the service's instances are, such as `http://10.0.0.1:8081`. None by default: discovery knows.
    #[schemars(extend("items" = {"type": "string", "format": "http-url"}))]
    pub endpoints: Vec<String>,
    /// Who picks the instance for an attempt.
    pub balancer: BalancerName,
    /// How the instances are measured and chosen.
    pub balance: BalanceSettings,
    /// Which instances are set aside, for how long, and how many at most.
    pub outlier: OutlierSettings,
    /// How an instance that joins, or returns, comes to its full share.
    pub slow_start: SlowStartSettings,
    /// Asking each instance how it is, besides watching its answers.
    pub active_health: ActiveHealthSettings,
    /// The most that a call may take in total, attempts, waits and body together.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub timeout: Span,
    /// The most that one attempt may take up to the response's headers.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub attempt_timeout: Span,
    /// The most that connecting may take, TLS included.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub connect_timeout: Span,
    /// The largest body of a response that is read.
    pub max_response: Size,
    /// A connection that was idle for so long is not used again. At most half of the peer's `server.idle_timeout`, lest a
    /// request meets the peer's closing.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub pool_idle_timeout: Span,
    /// How many idle connections are kept per endpoint.
    pub pool_max_idle: usize,
    /// Whether HTTP/2 is spoken on `http://` without asking (prior knowledge); on `https://` ALPN decides.
    pub http2: bool,
    /// Certificates of authorities to believe besides the usual ones, a PEM file. None by default.
    pub ca_file: Option<PathBuf>,
    /// Whether a host that no discovery source knows is called as a plain address; if not, it is an error.
    pub allow_plain_hosts: bool,
    /// The circuit breaker of each endpoint.
    pub breaker: BreakerSettings,
    /// The client throttle, an alternative to the breaker.
    pub throttle: ThrottleSettings,
    /// Trying again.
    pub retry: RetrySettings,
    /// A further attempt beside one that takes long.
    pub hedge: HedgeSettings,
    /// How many calls may be in flight at once.
    pub limit: LimitSettings,
    /// Faults that calls meet on purpose. Needs the feature `fault`.
    pub fault: FaultSettings,
    /// How many calls run at a time.
    pub bulkhead: BulkheadSettings,
    /// How many calls are made a time.
    pub rate_limit: RateLimitSettings,
    /// What stands in for an answer.
    pub fallback: FallbackSettings,
    /// Whether identical `GET`s in flight share one answer. Only where an answer does not depend on who asks, or the request says so in
    /// its headers, which are compared too.
    pub coalesce: bool,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            balancer: BalancerName::default(),
            balance: BalanceSettings::default(),
            outlier: OutlierSettings::default(),
            slow_start: SlowStartSettings::default(),
            active_health: ActiveHealthSettings::default(),
            timeout: Span::secs(10),
            attempt_timeout: Span::secs(3),
            connect_timeout: Span::secs(1),
            max_response: Size::mib(16),
            pool_idle_timeout: Span::secs(30),
            pool_max_idle: 1024,
            http2: false,
            ca_file: None,
            allow_plain_hosts: false,
            breaker: BreakerSettings::default(),
            throttle: ThrottleSettings::default(),
            limit: LimitSettings::default(),
            retry: RetrySettings::default(),
            hedge: HedgeSettings::default(),
            fault: FaultSettings::default(),
            bulkhead: BulkheadSettings::default(),
            rate_limit: RateLimitSettings::default(),
            fallback: FallbackSettings::default(),
            coalesce: false,
        }
    }
}
