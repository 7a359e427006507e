//! HTTP, by OpenTelemetry's semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::catalog::{
    CLIENT_DURATION, SERVER_ACTIVE, SERVER_DURATION, SERVER_REQUEST_SIZE, SERVER_RESPONSE_SIZE,
};
use super::exemplar::Exemplar;
use super::exposition::Exposition;
use super::few::Few;
use super::table::{Series, Table};
use super::value::{Gauge, Histogram, Recorded};
use crate::clock::{self, Instant};
use crate::event::Outcome;
use crate::txn::{self, Txn};

mod counts;

pub(crate) use counts::RouteCounts;
pub(super) use counts::add;

/// The listener speaks plain HTTP; what ends TLS stands before it.
const SCHEME: &str = "http";

/// What an attempt or a request is called whose caller went away.
pub(super) const CANCELLED: &str = "cancelled";

/// Requests by method and route.
pub(super) type Routes = Table<2, Route>;

/// Attempts by method and service.
pub(super) type Clients = Table<2, Client>;

/// The requests of one method to one route.
#[derive(Debug, Default)]
pub(super) struct Route {
    active: Gauge,
    /// By status.
    answers: Few<1, Answers, 32>,
}

#[derive(Debug)]
struct Answers {
    took: Histogram,
    request: Histogram,
    response: Histogram,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            took: Histogram::seconds_with_exemplars(),
            request: Histogram::bytes(),
            response: Histogram::bytes(),
        }
    }
}

impl Recorded for Answers {
    fn is_empty(&self) -> bool {
        self.took.is_empty()
    }
}

/// The attempts of one method at one service.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// By status or error kind.
    outcomes: Few<1, Attempts, 32>,
}

#[derive(Debug)]
struct Attempts(Histogram);

impl Default for Attempts {
    fn default() -> Self {
        Self(Histogram::seconds_with_exemplars())
    }
}

impl Recorded for Attempts {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An inbound request without an answer yet. Dropped before [`answer`](Self::answer), its client went away.
#[derive(Debug)]
#[must_use = "dropped, it is counted as cancelled"]
pub struct ActiveRequest {
    route: Arc<Series<2, Route>>,
    began: Instant,
    size: Option<u64>,
    answered: bool,
}

impl ActiveRequest {
    /// A request begins. `route` is the matched one, or empty; `size` is that of its body, if it is known.
    #[inline]
    pub(super) fn begin(
        routes: &Routes,
        method: &Method,
        route: &str,
        size: Option<u64>,
        now: Instant,
    ) -> Self {
        let route = routes.get([known(method.as_str()), route]);
        route.value.active.up();
        Self {
            route,
            began: now,
            size,
            answered: false,
        }
    }

    /// The answer's head is there; `size` is that of its body, if it is known. The second time nothing happens.
    #[inline]
    pub fn answer(&mut self, status: StatusCode, size: Option<u64>, txn: &Txn, now: Instant) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        let route = &self.route.value;
        let answers = route.answers.get([status.as_str()]);
        timed(&answers.took, self.took(now), now, |keep| Some(keep(txn)));
        if let Some(size) = self.size {
            answers.request.record(size);
        }
        if let Some(size) = size {
            answers.response.record(size);
        }
        route.active.down();
    }

    fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if !self.answered {
            let route = &self.route.value;
            let answers = route.answers.get([CANCELLED]);
            answers.took.took(self.took(clock::now()));
            route.active.down();
        }
    }
}

/// An attempt ended.
#[inline]
pub(super) fn attempted(
    clients: &Clients,
    method: &str,
    service: &str,
    outcome: &Outcome<'_>,
    elapsed: Duration,
    now: Instant,
) {
    clients.with([known(method), service], |client| {
        let attempts = with_name(outcome, |outcome| client.outcomes.get([outcome]));
        // An attempt ends inside of its call's transaction, if that has one.
        timed(&attempts.0, elapsed, now, |keep| {
            txn::with_current(|txn| keep(txn))
        });
    });
}

/// Records a time, and now and then whose it was.
#[inline]
fn timed(
    histogram: &Histogram,
    took: Duration,
    now: Instant,
    whose: impl FnOnce(&dyn Fn(&Txn) -> Exemplar) -> Option<Exemplar>,
) {
    let bucket = histogram.took(took);
    let at = clock::unix_ms_at(now);
    histogram.exemplars.offer(bucket, at, || {
        whose(&|txn| Exemplar::of(txn, took.as_secs_f64(), at))
    });
}

/// What came of it in a word: a status, the name of an error's kind, or [`CANCELLED`].
#[inline]
pub(super) fn with_name<R>(outcome: &Outcome<'_>, use_it: impl FnOnce(&str) -> R) -> R {
    match *outcome {
        Outcome::Status(status) => match StatusCode::from_u16(status) {
            Ok(status) => use_it(status.as_str()),
            Err(_) => use_it("_OTHER"),
        },
        Outcome::Failed(kind) => use_it(kind),
        Outcome::Cancelled => use_it(CANCELLED),
    }
}

/// The methods of RFC 9110 and PATCH; every other is one, since anybody can invent more.
#[inline]
fn known(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE",
    ];
    let known = KNOWN.iter().find(|known| **known == method);
    known.copied().unwrap_or("_OTHER")
}

/// The status, and the type of the error: for a status from `from` on it is the status.
fn status_and_error(outcome: &str, from: u16) -> (&str, &str) {
    match outcome.parse::<u16>() {
        Ok(status) if status >= from => (outcome, outcome),
        Ok(_) => (outcome, ""),
        Err(_) => ("", outcome),
    }
}

/// Writes what the server did.
pub(super) fn show_server(routes: &Routes, out: &mut Exposition) {
    let all = routes.all();
    type Of = fn(&Answers) -> &Histogram;
    let families: [(_, Of); 3] = [
        (&SERVER_DURATION, |answers| &answers.took),
        (&SERVER_REQUEST_SIZE, |answers| &answers.request),
        (&SERVER_RESPONSE_SIZE, |answers| &answers.response),
    ];
    for (metric, of) in families {
        let mut family = out.family(metric);
        for series in &all {
            let [method, route] = series.labels();
            for ([status], answers) in series.value.answers.all() {
                if !of(answers).is_empty() {
                    let (status, error) = status_and_error(status, 500);
                    family.histogram(&[method, SCHEME, route, status, error], of(answers));
                }
            }
        }
    }
    let mut family = out.family(&SERVER_ACTIVE);
    for of_method in all.chunk_by(|one, other| one.labels()[0] == other.labels()[0]) {
        let active: i64 = of_method.iter().map(|one| one.value.active.get()).sum();
        if let Some([method, _]) = of_method.first().map(|one| one.labels()) {
            family.gauge(&[method, SCHEME], active as f64);
        }
    }
}

/// Writes what the client did.
pub(super) fn show_client(clients: &Clients, out: &mut Exposition) {
    let mut family = out.family(&CLIENT_DURATION);
    for series in clients.all() {
        let [method, service] = series.labels();
        for ([outcome], attempts) in series.value.outcomes.all() {
            let (status, error) = status_and_error(outcome, 400);
            family.histogram(&[method, service, status, error], &attempts.0);
        }
    }
}
