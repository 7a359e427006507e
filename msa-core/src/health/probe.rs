//! The three probes over HTTP.
//!
//! They stand before everything else in the inbound stack, so a path that is no probe must cost next to nothing: one
//! look at its length, then one comparison.

use std::fmt::Write as _;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;

use super::{CheckReport, CheckStatus, Kind, Registry};

/// One of the three probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// `/livez`
    Live,
    /// `/readyz`
    Ready,
    /// `/startupz`
    Startup,
}

impl Probe {
    /// The probe that this path asks for.
    #[must_use]
    #[inline]
    pub fn from_path(path: &str) -> Option<Self> {
        match path.len() {
            6 if path == "/livez" => Some(Self::Live),
            7 if path == "/readyz" => Some(Self::Ready),
            9 if path == "/startupz" => Some(Self::Startup),
            _ => None,
        }
    }

    /// The probe's path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Startup => "/startupz",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Live => Kind::Liveness,
            Self::Ready => Kind::Readiness,
            Self::Startup => Kind::Startup,
        }
    }
}

/// Answers the probes; cheap to clone.
#[derive(Debug, Clone)]
pub struct Probes {
    registry: Registry,
    verbose: bool,
}

impl Probes {
    /// Probes that tell yes or no and nothing else, as the main listener must.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            verbose: false,
        }
    }

    /// Probes that show each check when the query has `verbose`. The reasons of failed checks may name internals, so
    /// this is for the management listener only.
    #[must_use]
    pub fn verbose(registry: Registry) -> Self {
        Self {
            registry,
            verbose: true,
        }
    }

    /// The answer when `request` is a GET or HEAD of a probe, else `None`.
    #[must_use]
    #[inline]
    pub fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let probe = Probe::from_path(request.uri().path())?;
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return None;
        }
        let json = request.headers().get_all(ACCEPT).iter().any(|accept| {
            accept
                .to_str()
                .is_ok_and(|accept| accept.contains("application/json"))
        });
        let verbose = self.verbose && has_verbose(request.uri().query());
        Some(self.respond(probe, json, verbose))
    }

    fn respond(&self, probe: Probe, json: bool, verbose: bool) -> Response<Body> {
        let ok = match probe {
            Probe::Live => self.registry.is_live(),
            Probe::Ready => self.registry.is_ready(),
            Probe::Startup => self.registry.is_started(),
        };
        let (body, content_type) = match (verbose, json) {
            (false, false) => (Body::from(plain(ok)), TEXT),
            (false, true) => (Body::from(short_json(ok)), JSON),
            (true, false) => (Body::from(self.long_text(probe, ok)), TEXT),
            (true, true) => (Body::from(self.long_json(probe, ok)), JSON),
        };
        let mut response = Response::new(body);
        *response.status_mut() = if ok {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The checks that decide the probe, and beside readiness what should be known.
    fn reports(&self, probe: Probe) -> Vec<CheckReport> {
        let mut reports = self.registry.reports(probe.kind());
        if probe == Probe::Ready {
            reports.extend(self.registry.reports(Kind::Advisory));
        }
        reports
    }

    fn long_text(&self, probe: Probe, ok: bool) -> String {
        let mut text = String::new();
        for check in self.reports(probe) {
            let mark = match (&check.status, check.kind) {
                (CheckStatus::Passed, _) => '+',
                (_, Kind::Advisory) => '!',
                _ => '-',
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "[{mark}]{} {}", check.name, check.status.as_str());
            if let CheckStatus::Failed(reason) = &check.status {
                let _ = write!(text, ": {reason}");
            }
            text.push('\n');
        }
        let phase = self.registry.lifecycle().phase();
        let _ = writeln!(text, "phase {phase}\n{}", plain(ok).trim_end());
        text
    }

    fn long_json(&self, probe: Probe, ok: bool) -> String {
        let reports = self.reports(probe);
        let page = Page {
            status: status(ok),
            phase: self.registry.lifecycle().phase().as_str(),
            checks: reports.iter().map(Line::from).collect(),
        };
        // No map key and no float: serialising this cannot fail.
        serde_json::to_string(&page).unwrap_or_else(|_| short_json(ok).to_owned())
    }
}

/// The probes as routes, for a listener of their own. With `verbose` they show each check when asked to.
pub fn router(registry: Registry, verbose: bool) -> Router {
    let probes = Probes { registry, verbose };
    [Probe::Live, Probe::Ready, Probe::Startup]
        .into_iter()
        .fold(Router::new(), |router, probe| {
            let probes = probes.clone();
            let answer = move |request: Request<Body>| {
                let response = probes.answer(&request);
                async move { response.ok_or(StatusCode::METHOD_NOT_ALLOWED) }
            };
            router.route(probe.path(), get(answer))
        })
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

#[derive(Serialize)]
struct Page<'a> {
    status: &'a str,
    phase: &'a str,
    checks: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    kind: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u128>,
    took_ms: u128,
}

impl<'a> From<&'a CheckReport> for Line<'a> {
    fn from(check: &'a CheckReport) -> Self {
        Self {
            name: &check.name,
            kind: check.kind.as_str(),
            status: check.status.as_str(),
            reason: match &check.status {
                CheckStatus::Failed(reason) => Some(reason),
                _ => None,
            },
            age_ms: check.age.map(|age| age.as_millis()),
            took_ms: check.took.as_millis(),
        }
    }
}

const fn status(ok: bool) -> &'static str {
    if ok { "ok" } else { "unavailable" }
}

const fn plain(ok: bool) -> &'static str {
    if ok { "ok\n" } else { "unavailable\n" }
}

const fn short_json(ok: bool) -> &'static str {
    if ok {
        r#"{"status":"ok"}"#
    } else {
        r#"{"status":"unavailable"}"#
    }
}

fn has_verbose(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| matches!(pair, "verbose" | "verbose=" | "verbose=1" | "verbose=true"))
    })
}
