//! Metrics: HTTP by OpenTelemetry's semantic conventions, what the policies decide, and the state of it all, for Prometheus and OpenTelemetry.
//!
//! A [`Service`](crate::Service) has them by itself: `/metrics` of the management listener answers in Prometheus' text format, or in
//! OpenMetrics when the scraper asks for it, then with examples that name transactions. [`CATALOG`] lists every metric; the manual has
//! it as a table.
//!
//! Numbers come from three sides:
//!
//! - each inbound request is counted by the inbound stack, under its matched route;
//! - what the client and the policies do comes from the one stream of [events](crate::event): [`Metrics`] is an
//!   [`Observer`](crate::event::Observer);
//! - what is a state (breakers, limits, endpoints, the process) is looked up when it is asked for, and costs nothing before.
//!
//! They are shown when somebody asks, and pushed to an OpenTelemetry collector by their OpenTelemetry names and units where the
//! configuration names one.
//!
//! # What it costs
//! Recording allocates nothing and takes no lock: series are found by their labels in a table that is replaced as a whole when one is
//! added, and are plain atomics. An example is kept at most once a second for each bucket.
//!
//! # Why no crate for it
//! prometheus-client has the same output, but its histograms lock, its families build an owned set of labels to find a series,
//! and Prometheus' older text format is missing. What is left of the work without them is writing text, one file of it.
//!
//! # Bounds
//! No label comes from outside as it is: routes are the router's, unknown methods are `_OTHER`, statuses and reasons have few values,
//! and ids are never labels. Endpoints are bounded by `telemetry.metrics.max_endpoints`, services to 250: what comes beyond is counted
//! under `_overflow`. Endpoints that are gone are forgotten after ten minutes.

pub(crate) mod catalog;
mod exemplar;
mod exposition;
mod few;
mod format;
mod http;
mod points;
mod policies;
mod process;
pub(crate) mod push;
mod table;
mod text;
mod value;

use std::fmt;
use std::sync::Arc;

use ::http::Method;

pub use catalog::{CATALOG, Description, Kind};
pub use format::Format;
pub use http::ActiveRequest;

pub(crate) use exposition::Exposition;
pub(crate) use http::RouteCounts;
pub(crate) use policies::{CallCounts, EndpointCounts};
use push::Collected;
pub use push::{PushCounter, PushCounts};

use crate::clock::{self, Instant};
use crate::config::{ExemplarFilter, MetricsSettings};

/// So many pairs of method and route; a router has fewer.
const ROUTES: usize = 2_000;

/// So many services, and policies of the program's own. Each takes some 10 KiB, and only a client that calls plain hosts sees more.
const SERVICES: usize = 250;

/// The metrics of one service. Cheap to clone.
///
/// ```
/// use msa_core::clock;
/// use msa_core::config::MetricsSettings;
/// use msa_core::event::{Event, Observer};
/// use msa_core::telemetry::metrics::{Format, Metrics};
///
/// let metrics = Metrics::new(&MetricsSettings::default(), clock::now());
/// metrics.on_event(&Event::Coalesced { service: "stock" });
/// let text = metrics.render(Format::Text, clock::now());
/// assert!(text.contains("msa_coalesced_total{service=\"stock\"} 1\n"));
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    routes: http::Routes,
    clients: http::Clients,
    services: policies::Services,
    endpoints: policies::Endpoints,
    discovered: policies::Discovered,
    own: policies::Own,
    exemplars: ExemplarFilter,
    born: Instant,
}

impl Metrics {
    /// Nothing recorded yet; the service started at `now`.
    #[must_use]
    pub fn new(settings: &MetricsSettings, now: Instant) -> Self {
        let most = usize::try_from(settings.max_endpoints).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            routes: http::Routes::new(ROUTES),
            clients: http::Clients::new(4 * SERVICES),
            services: policies::Services::new(SERVICES),
            endpoints: policies::Endpoints::new(most),
            discovered: policies::Discovered::new(most),
            own: policies::Own::default(),
            exemplars: settings.exemplars,
            born: now,
        }))
    }

    /// An inbound request begins. `route` is the matched one, or empty, and never a path as it was asked for; `size` is that of the
    /// body, if it is known. [`MsaLayer`](crate::server::MsaLayer) does this for its requests.
    #[inline]
    pub fn begin(
        &self,
        method: &Method,
        route: &str,
        size: Option<u64>,
        now: Instant,
    ) -> ActiveRequest {
        ActiveRequest::begin(&self.0.routes, method, route, size, now)
    }

    /// Everything recorded, and what the process and its runtime are at `now`. Reads a few small files of `/proc`.
    #[must_use]
    pub fn render(&self, format: Format, now: Instant) -> String {
        self.render_with(format, now, |_| {})
    }

    /// The same with what somebody above knows.
    pub(crate) fn render_with(
        &self,
        format: Format,
        now: Instant,
        state: impl FnOnce(&mut Exposition),
    ) -> String {
        let mut out = Exposition::text(format, self.0.exemplars);
        self.show(now, state, &mut out);
        out.into_text()
    }

    /// The same as numbers, to be pushed.
    pub(crate) fn collect_with(
        &self,
        now: Instant,
        state: impl FnOnce(&mut Exposition),
    ) -> Collected {
        let mut out = Exposition::points(self.0.exemplars);
        self.show(now, state, &mut out);
        Collected {
            families: out.into_points(),
            born: 1_000 * clock::unix_us_at(self.0.born),
            at: 1_000 * clock::unix_us_at(now),
        }
    }

    fn show(&self, now: Instant, state: impl FnOnce(&mut Exposition), out: &mut Exposition) {
        http::show_server(&self.0.routes, out);
        http::show_client(&self.0.clients, out);
        self.show_policies(now, out);
        state(out);
        process::show_runtime(out);
        process::show(self.0.born, now, out);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
