//! The inbound stack: everything that a request passes, outermost first, on one page.
//!
//! ```text
//! connection       timeouts, limits, the drain            server/accept
//! probes           answered past everything below         health, put in front by the Service
//! txn              read or mint ids, answer with x-gtxid
//! trace + span     the SERVER span, where the trace is recorded; to the end of the answer's body
//! journal          the request's page; its calls are noted in it
//! metrics + log    by matched route; sees every answer below
//! panic            a panic is a 500 problem document
//! admit            too many hops 508; past the deadline 504, the handler dropped
//! body             too slow 408, too long 413
//! shed / limit     by `server.overload`: 503 before the body is read, and after what costs nothing to refuse
//! authn                                                   (a layer of the routes' own)
//! rate limit       by `server.rate_limit`: 429, with the feature; for each client a layer of the routes' own
//! fault injection  by `server.fault`, with the feature
//! compression      when configured
//! the user's router
//! ```
//!
//! CORS, when configured, stands outermost: a page of another origin may read errors too.

mod handler;

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use http::Request;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::{Layer, Service};

use self::handler::{Handler, Queued};
use super::ServerError;
use super::body::Late;
use super::extras::{across_origins, compressed};
use super::inbound::Inbound;
use super::layers::access::Unfinished;
use super::layers::admit::Deadline;
use super::layers::held::{Held, Measured};
use super::layers::journal::{AdminPort, Noted};
use super::layers::metrics::Counted;
use super::layers::rate::Passed;
use super::layers::shed::{self, Overload};
use super::layers::{admit, explain, limit, panic, span, txn};
use super::load::ServerLoad;
use crate::clock;
use crate::config::Settings;
use crate::event::Observers;
use crate::resilience::limit::Entry;
use crate::telemetry::journal::Journal;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::{ServerSpan, Traces};
use crate::txn::{Headers, Minter, Txn, scope, sync_scope};

/// The inbound stack as one layer, for an axum app that is served some other way.
///
/// ```
/// use axum::{Router, routing::get};
/// use msa_core::server::MsaLayer;
///
/// # fn main() -> Result<(), msa_core::server::ServerError> {
/// let app: Router = Router::new()
///     .route("/hello", get(|| async { "hello" }))
///     .layer(MsaLayer::new(&msa_core::config::Settings::default())?);
/// # Ok(()) }
/// ```
///
/// Put it on with [`Router::layer`](axum::Router::layer), so that it knows the matched route. Probes, connection limits
/// and the drain are the listener's: a [`Service`](crate::Service) has them, `axum::serve` does not. A `txn.trust` other
/// than everybody needs the peer's address: serve with `into_make_service_with_connect_info::<SocketAddr>()`.
///
/// Log lines carry the transaction when they are written by msa's own [`Logs`](crate::telemetry::Logs); a subscriber of
/// your own finds it by [`txn::with_current`](crate::txn::with_current).
#[derive(Debug, Clone)]
pub struct MsaLayer(Arc<Inbound>);

impl MsaLayer {
    /// The stack with these settings, of which it takes `server`, `txn`, `log.access`, `telemetry.propagation` and the samplers.
    ///
    /// # Errors
    ///
    /// A header's name is not one.
    pub fn new(settings: &Settings) -> Result<Self, ServerError> {
        Ok(Self(Arc::new(Inbound::new(settings)?)))
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// The server's own limit.
    pub(crate) fn overload(&self) -> &Overload {
        &self.0.overload
    }

    /// What the server says of its load.
    pub(crate) fn load(&self) -> Arc<ServerLoad> {
        self.0.load.clone()
    }

    /// Tells these observers of what the stack decides.
    #[must_use]
    pub fn observed_by(self, observers: Observers) -> Self {
        self.edit(|inbound| inbound.observe(observers))
    }

    /// Notes requests in this journal.
    #[must_use]
    pub fn noted_in(self, journal: Journal) -> Self {
        self.edit(|inbound| inbound.journal = Some(journal))
    }

    /// Counts requests in these metrics.
    #[must_use]
    pub fn counted_in(self, metrics: Metrics) -> Self {
        self.edit(|inbound| inbound.metrics = Some(metrics))
    }

    /// Tells callers of our kind where the management listener is, from now on.
    pub(crate) fn tell_admin(&self, addr: SocketAddr) {
        let told = AdminPort {
            port: addr.port().into(),
            far: !addr.ip().to_canonical().is_loopback(),
        };
        // A service is started once.
        let _ = self.0.admin.set(told);
    }

    /// Carries traces on, and records them, as this says; by default as `telemetry` says, without recording any.
    #[must_use]
    pub fn traced_by(self, traces: Traces) -> Self {
        self.edit(|inbound| inbound.traces = traces)
    }

    /// Mints ids that follow from a seed, for tests and simulations.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        self.edit(|inbound| inbound.minter = Minter::seeded(seed))
    }

    /// Takes over the live ones of changed settings while requests run: `log.access`, `server.overload`, `server.rate_limit` and `server.fault`.
    ///
    /// # Errors
    ///
    /// Those of `server.fault`, whose old settings stay then; and a feature that is missing.
    pub fn configure(&self, settings: &Settings) -> Result<(), ServerError> {
        self.0.configure(settings, clock::now())
    }

    /// Layers are shared only once they are put on; a layer that is still being built is rebuilt when it is shared.
    fn edit(self, change: impl FnOnce(&mut Inbound)) -> Self {
        let mut inbound = Arc::try_unwrap(self.0).unwrap_or_else(|shared| shared.copy());
        change(&mut inbound);
        Self(Arc::new(inbound))
    }
}

impl<S> Layer<S> for MsaLayer {
    type Service = MsaService<S>;

    fn layer(&self, inner: S) -> MsaService<S> {
        #[cfg(feature = "fault")]
        let inner = self.0.faults.layer(inner);
        MsaService {
            inner,
            inbound: self.0.clone(),
        }
    }
}

/// The stack around a service.
#[derive(Debug, Clone)]
pub struct MsaService<S> {
    inner: Faulty<S>,
    inbound: Arc<Inbound>,
}

/// fault injection: nothing at all without the feature.
#[cfg(feature = "fault")]
type Faulty<S> = crate::fault::FaultService<S>;
#[cfg(not(feature = "fault"))]
type Faulty<S> = S;

impl<S> Service<Request<Body>> for MsaService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Response = Response;
    type Error = S::Error;
    type Future = MsaFuture<S>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    /// The way in.
    #[inline]
    fn call(&mut self, mut request: Request<Body>) -> MsaFuture<S> {
        let Self { inner, inbound } = self;
        let now = clock::now();

        let (txn, noted) = txn::begin(inbound, &mut request, now);
        // Steps and handler may look at the transaction before their future is first polled, too.
        let steps = sync_scope(txn.clone(), || {
            let span = ServerSpan::begin(&inbound.traces, &txn, &request, now);
            let _inside = span.enter();
            let line = Unfinished::begin(inbound, &request, now);
            let counted = Counted::begin(inbound, &request, now);
            let load = inbound.load.enter(now);
            let (mut late, mut permit, mut passed) = (None, None, Passed::default());
            let called = panic::guard(|| {
                admit::check(inbound, &txn)?;
                if !request.body().is_end_stream() {
                    late = Some(Late::time(&mut request, inbound.body_limits, now));
                    limit::cap(&mut request, inbound.body_limit)?;
                }
                inbound.sensitive.mark(request.headers_mut());
                // shed / limit: before the body is read
                match inbound.overload.enter(request.extensions(), now) {
                    (Entry::Free, _) => {}
                    (Entry::Admitted(admitted), _) => permit = Some(admitted),
                    (Entry::Refused(error), _) => return Err(shed::refusal(&error)),
                    (Entry::Waiting(place), class) => {
                        // The one that is ready goes along; its clone has to become ready by itself.
                        let clone = inner.clone();
                        let service = std::mem::replace(inner, clone);
                        let queued = Queued {
                            place,
                            class,
                            call: Some((service, request)),
                        };
                        return Ok(Handler::Queued {
                            queued: Box::new(queued),
                        });
                    }
                }
                // authn: its place is here
                passed = inbound.rate.pass(&inbound.observers)?;
                Ok(Handler::Running {
                    inner: inner.call(request),
                })
            });
            Steps {
                handler: called
                    .and_then(|called| called)
                    .unwrap_or_else(Handler::refused),
                deadline: Deadline::of(&txn),
                late,
                span,
                line,
                counted,
                noted,
                held: Some(Held {
                    permit,
                    load: Measured::new(load, &txn),
                }),
                passed,
                txn: txn.clone(),
                inbound: inbound.clone(),
            }
        });
        MsaFuture {
            steps: scope(txn, steps),
        }
    }
}

pin_project! {
    /// The answer of a [`MsaService`].
    pub struct MsaFuture<S>
    where
        S: Service<Request<Body>>,
        S: Clone,
        S: Service<Request<Body>, Response = Response>,
    {
        #[pin]
        steps: TaskLocalFuture<Txn, Steps<S>>,
    }
}

impl<S> fmt::Debug for MsaFuture<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MsaFuture").finish_non_exhaustive()
    }
}

impl<S> Future for MsaFuture<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Output = Result<Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().steps.poll(cx)
    }
}

pin_project! {
    /// What is done with the answer; dropped earlier, the client went away.
    struct Steps<S>
    where
        S: Clone,
        S: Service<Request<Body>, Response = Response>,
    {
        #[pin]
        handler: Handler<Faulty<S>, <Faulty<S> as Service<Request<Body>>>::Future>,
        #[pin]
        deadline: Deadline,
        late: Option<Late>,
        span: ServerSpan,
        line: Unfinished,
        counted: Counted,
        noted: Noted,
        held: Option<Held>,
        passed: Passed,
        txn: Txn,
        inbound: Arc<Inbound>,
    }
}

impl<S> Future for Steps<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Output = Result<Response, S::Error>;

    /// The way out, so innermost first.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _inside = this.span.enter();
        let overload = &this.inbound.overload;
        let polled = (this.handler.as_mut()).poll(this.inbound, this.held, this.passed, cx);
        let mut response = match polled {
            Poll::Ready(answered) => answered?,
            Poll::Pending => ready!(this.deadline.poll_over(cx)),
        };
        if let Some(late) = this.late {
            late.overrule(&mut response);
        }
        this.passed.tell(&mut response);
        explain(&mut response);
        // One moment for all who tell of it, so that what they tell agrees.
        let now = clock::now();
        // Before the log line, whose writing may have to wait.
        this.noted
            .answer(this.inbound, this.txn, &mut response, now);
        this.counted.answer(this.txn, &response, now);
        this.line.finish(response.status(), now);
        if let Some(held) = this.held.take() {
            held.answer(overload, &mut response, now);
        }
        txn::answer(this.inbound, this.txn, &mut response);
        this.inbound.sensitive.mark(response.headers_mut());
        span::answer(this.span, this.txn, &mut response);
        Poll::Ready(Ok(response))
    }
}

/// A user's routes inside the whole stack.
pub(crate) fn routed(
    routes: Router,
    layer: &MsaLayer,
    settings: &Settings,
) -> Result<Router, ServerError> {
    // Each `Router::layer` costs a request two boxes: what can go into one layer stands in `MsaLayer`.
    let routes = compressed(routes, settings)?.layer(layer.clone());
    across_origins(routes, layer.headers(), settings)
}

#[cfg(all(test, not(msa_loom), feature = "rate-limit", feature = "fault"))]
mod tests;
