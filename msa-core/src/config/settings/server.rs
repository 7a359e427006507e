//! `[server]`: the main listener and how requests are taken in.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FaultSettings, OverloadSettings, ServerRateLimitSettings};
use crate::config::{Size, Span};

/// The main listener and how requests are taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where it listens: all interfaces, port 8080, unless set; port 0 takes a free one. `PORT` sets the port alone. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "socket-addr"))]
    pub addr: SocketAddr,
    /// A connection that sends no byte for so long is closed. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub first_byte_timeout: Span,
    /// A request's head must be complete so long after its first byte. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub head_timeout: Span,
    /// A connection between two requests is closed after so long. Longer than the 60 s of usual proxies, and at least twice
    /// what clients keep idle connections (`client.pool_idle_timeout`), lest a request meets the closing. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub idle_timeout: Span,
    /// The whole body of a request must have come after so long. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub body_timeout: Span,
    /// Two reads of a request's body may be so far apart. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub body_idle_timeout: Span,
    /// The largest body of a request; a larger one is answered 413. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub body_limit: Size,
    /// The most that a request may take up to the answer's head, and less when its caller waits less long; past it the
    /// answer is 504. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub request_timeout: Span,
    /// How many connections there may be at once, 1 or more. **Restart.**
    #[schemars(range(min = 1), extend("x-msa-restart" = true))]
    pub max_connections: usize,
    /// How many of them are kept free for probes; fewer than `max_connections`. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub probe_connections: usize,
    /// How many connections one address may have at once; 0 is no such limit, right behind a proxy. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub max_connections_per_ip: usize,
    /// The largest head of an HTTP/1 request: request line and headers; at least 8KiB. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "8KiB"))]
    pub max_header_bytes: Size,
    /// How many headers an HTTP/1 request may have, 1 to 10000. **Restart.**
    #[schemars(range(min = 1, max = 10_000), extend("x-msa-restart" = true))]
    pub max_headers: usize,
    /// Whether an HTTP/1 client may close its sending side and still be answered. Then a client that went away is not told from
    /// one that waits, and its request runs on to its end. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub half_close: bool,
    /// HTTP/2.
    pub http2: Http2Settings,
    /// The end of the process.
    pub drain: DrainSettings,
    /// Protection against more requests than can be done at once.
    pub overload: OverloadSettings,
    /// How many requests are taken a time.
    pub rate_limit: ServerRateLimitSettings,
    /// Faults that requests meet on purpose. Needs the feature `fault`.
    pub fault: FaultSettings,
    /// Whether answers are compressed for clients that accept it. Needs the feature `compression`. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub compression: bool,
    /// Pages of other origins.
    pub cors: CorsSettings,
    /// Headers of requests and answers, inbound and outbound, whose values nothing shows, besides `authorization`, `proxy-authorization`,
    /// `cookie`, `set-cookie`, `x-api-key` and others that carry credentials by custom. **Restart.**
    #[schemars(extend("x-msa-restart" = true), extend("items" = {"type": "string", "format": "header-name"}))]
    pub sensitive_headers: Vec<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            first_byte_timeout: Span::secs(10),
            head_timeout: Span::secs(10),
            idle_timeout: Span::secs(75),
            body_timeout: Span::secs(60),
            body_idle_timeout: Span::secs(15),
            body_limit: Size::mib(2),
            request_timeout: Span::secs(30),
            max_connections: 10_000,
            probe_connections: 16,
            max_connections_per_ip: 0,
            max_header_bytes: Size::kib(64),
            max_headers: 100,
            half_close: false,
            http2: Http2Settings::default(),
            drain: DrainSettings::default(),
            overload: OverloadSettings::default(),
            rate_limit: ServerRateLimitSettings::default(),
            fault: FaultSettings::default(),
            compression: false,
            cors: CorsSettings::default(),
            sensitive_headers: Vec::new(),
        }
    }
}

/// HTTP/2 on the main listener, by prior knowledge or ALPN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Http2Settings {
    /// Whether it is spoken, which needs the feature `http2`. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub enabled: bool,
    /// How many requests a connection may have in flight, 1 or more. **Restart.**
    #[schemars(range(min = 1), extend("x-msa-restart" = true))]
    pub max_concurrent_streams: u32,
    /// The largest list of headers, decoded; at least 1KiB, less than 4GiB. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1KiB", "x-msa-max" = "4095MiB"))]
    pub max_header_list: Size,
    /// How many streams reset by the peer may wait to be accepted before the connection is closed (CVE-2023-44487). **Restart.**
    #[schemars(range(min = 1), extend("x-msa-restart" = true))]
    pub max_pending_reset: usize,
    /// How many streams we may have reset for the peer's errors before the connection is closed. **Restart.**
    #[schemars(range(min = 1), extend("x-msa-restart" = true))]
    pub max_local_resets: usize,
    /// How often a ping asks a quiet connection whether it still lives; 0s never asks. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub keep_alive_interval: Span,
    /// A connection that does not answer the ping for so long is closed. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "x-msa-min" = "1ms"))]
    pub keep_alive_timeout: Span,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrent_streams: 200,
            max_header_list: Size::kib(16),
            max_pending_reset: 20,
            max_local_resets: 1024,
            keep_alive_interval: Span::secs(30),
            keep_alive_timeout: Span::secs(10),
        }
    }
}

/// The end of the process. The three together should stay below the orchestrator's grace, usually 30 s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct DrainSettings {
    /// For so long after SIGTERM requests are still taken while callers learn to go elsewhere: twice what discovery takes.
    pub lag: Span,
    /// So long may requests in flight take after that; what is left is cut.
    pub deadline: Span,
    /// So long may what the service does on its way out take: `on_shutdown`.
    pub flush: Span,
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self {
            lag: Span::secs(5),
            deadline: Span::secs(20),
            flush: Span::secs(3),
        }
    }
}

/// Pages of other origins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct CorsSettings {
    /// Which origins may read answers, such as `https://shop.example`; `*` alone is any. None by default: CORS is off. Needs the feature
    /// `cors`. **Restart.**
    #[schemars(extend("x-msa-restart" = true), extend("items" = {"type": "string", "format": "origin"}))]
    pub origins: Vec<String>,
}
