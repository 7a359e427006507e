//! Turns requests away before the server has more to do than it can.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::{IntoResponse as _, Response};
use http::{Extensions, Request, StatusCode, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::clock::{self, Instant};
use crate::config::OverloadSettings;
use crate::event::Observers;
use crate::problem::Problem;
use crate::resilience::limit::{
    Entry, LimitConfig, LimitGuard, LimitMode, Outcome, Overloaded, Permit, PermitBody, Waiting,
};
use crate::txn::{self, Criticality, Txn};

/// The server's own limit, and what is known of its routes. Cheap to clone; clones share it, and its settings are live.
///
/// Probes and the management listener do not pass the inbound stack, and so never meet it. A request that came at all is
/// let in, waits, or is turned away before a byte of its body is read.
#[derive(Debug, Clone)]
pub struct Overload {
    guard: LimitGuard,
    routes: Arc<ArcSwap<Routes>>,
}

/// What the settings say of routes; `None` is exempt.
#[derive(Debug, Default, PartialEq)]
struct Routes(HashMap<String, Option<Criticality>>);

impl Routes {
    fn new(settings: &OverloadSettings) -> Self {
        let routes = &settings.routes;
        // The last to be put in stays: exempt before critical before the others, as the settings' own order says.
        let lists = [
            (&routes.background, Some(Criticality::Background)),
            (&routes.sheddable, Some(Criticality::Sheddable)),
            (&routes.default, Some(Criticality::Default)),
            (&routes.critical, Some(Criticality::Critical)),
            (&routes.exempt, None),
        ];
        let each = lists
            .into_iter()
            .flat_map(|(list, class)| list.iter().map(move |route| (route.clone(), class)));
        Self(each.collect())
    }
}

impl Overload {
    /// With these settings. The seed decides when the limit is probed.
    #[must_use]
    pub fn new(settings: &OverloadSettings, seed: u64, now: Instant) -> Self {
        Self {
            guard: LimitGuard::server(settings, seed, now),
            routes: Arc::new(ArcSwap::from_pointee(Routes::new(settings))),
        }
    }

    /// Tells these observers what it decides.
    #[must_use]
    pub fn observed_by(self, observers: Observers) -> Self {
        Self {
            guard: self.guard.observed_by(observers),
            routes: self.routes,
        }
    }

    /// Takes over changed settings; who is in or waits stays.
    pub fn configure(&self, settings: &OverloadSettings, now: Instant) {
        self.guard
            .configure(settings.mode, &LimitConfig::from(settings), now);
        let routes = Routes::new(settings);
        if routes != **self.routes.load() {
            self.routes.store(Arc::new(routes));
        }
    }

    /// The limit.
    #[must_use]
    pub fn guard(&self) -> &LimitGuard {
        &self.guard
    }

    /// How much a request matters: what the settings say of its matched route, else what it says of itself (the current
    /// transaction's criticality, which a stranger cannot set: see `txn.trust`). `None` is exempt.
    #[must_use]
    pub fn class_of(&self, extensions: &Extensions) -> Option<Criticality> {
        let routes = self.routes.load();
        if !routes.0.is_empty()
            && let Some(route) = extensions.get::<MatchedPath>()
            && let Some(class) = routes.0.get(route.as_str())
        {
            return *class;
        }
        Some(txn::with_current(Txn::criticality).unwrap_or_default())
    }

    /// Lets a request in, or not; tells the observers of a refusal.
    #[inline]
    pub fn enter(&self, extensions: &Extensions, now: Instant) -> (Entry, Criticality) {
        if self.guard.mode() == LimitMode::Off {
            return (Entry::Free, Criticality::Default);
        }
        match self.class_of(extensions) {
            Some(class) => (self.guard.enter(class, now), class),
            None => (Entry::Free, Criticality::Critical),
        }
    }

    /// Measures a request whose answer's head is there, and answers the permit for as long as the body is under way, if it
    /// has to be kept.
    ///
    /// An event stream and an upgraded connection give their place back at once: they last for hours, and cost memory
    /// rather than work.
    #[inline]
    pub fn answered(&self, mut permit: Permit, head: &Response, now: Instant) -> Option<Permit> {
        self.guard.record(&mut permit, outcome(head.status()), now);
        (!is_endless(head)).then_some(permit)
    }
}

/// What a status tells about load. An answer past the deadline was lost to it. An error that comes at once is not what a
/// request costs, and would make the server look fast.
fn outcome(status: StatusCode) -> Outcome {
    if status == StatusCode::GATEWAY_TIMEOUT {
        Outcome::Dropped
    } else if status.is_client_error() || status.is_server_error() {
        Outcome::Ignored
    } else {
        Outcome::Success
    }
}

fn is_endless(head: &Response) -> bool {
    let events = || {
        let kind = head.headers().get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
    };
    head.status() == StatusCode::SWITCHING_PROTOCOLS || events()
}

/// 503, to be tried elsewhere or later and by nobody above at once.
#[cold]
pub(crate) fn shed(error: &Overloaded) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE)
        .title("Overloaded")
        .detail(error.to_string())
        .with("reason", error.reason.as_str())
        .retry_after(error.retry_after)
        .never_retry()
}

/// The same as the inbound stack wants it.
#[cold]
pub(crate) fn refusal(error: &Overloaded) -> super::Refusal {
    Box::new(shed(error).into_response())
}

/// Sheds what is too much.
#[derive(Debug, Clone)]
pub struct ShedLayer(Overload);

impl ShedLayer {
    /// By this limit.
    #[must_use]
    pub const fn new(overload: Overload) -> Self {
        Self(overload)
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = ShedService<S>;

    fn layer(&self, inner: S) -> ShedService<S> {
        ShedService {
            inner,
            overload: self.0.clone(),
        }
    }
}

/// A service that sheds what is too much.
#[derive(Debug, Clone)]
pub struct ShedService<S> {
    inner: S,
    overload: Overload,
}

impl<S> Service<Request<Body>> for ShedService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ShedFuture<S>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> ShedFuture<S> {
        let (entry, class) = self.overload.enter(request.extensions(), clock::now());
        let state = match entry {
            Entry::Free => State::Running {
                future: self.inner.call(request),
                permit: None,
            },
            Entry::Admitted(permit) => State::Running {
                future: self.inner.call(request),
                permit: Some(permit),
            },
            Entry::Refused(error) => State::Refused { error },
            Entry::Waiting(waiting) => {
                // The one that is ready goes along; its clone has to become ready by itself.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                State::Waiting {
                    waiting,
                    class,
                    call: Some((ready, request)),
                }
            }
        };
        ShedFuture {
            state,
            overload: self.overload.clone(),
        }
    }
}

pin_project! {
    /// A request on its way past the limit.
    #[must_use = "futures do nothing unless polled"]
    pub struct ShedFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: State<S, S::Future>,
        overload: Overload,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        Refused { error: Overloaded },
        Waiting { waiting: Waiting, class: Criticality, call: Option<(S, Request<Body>)> },
        Running { #[pin] future: F, permit: Option<Permit> },
    }
}

impl<S> Future for ShedFuture<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Output = Result<Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Refused { error } => {
                    return Poll::Ready(Ok(shed(error).into_response()));
                }
                StateProjection::Waiting {
                    waiting,
                    class,
                    call,
                } => {
                    let state = match ready!(Pin::new(waiting).poll(cx)) {
                        Ok(permit) => match call.take() {
                            Some((mut service, request)) => State::Running {
                                future: service.call(request),
                                permit: Some(permit),
                            },
                            // Polled again after its end it has nothing more to say.
                            None => return Poll::Pending,
                        },
                        Err(error) => {
                            this.overload.guard.refused(*class, &error);
                            State::Refused { error }
                        }
                    };
                    this.state.set(state);
                }
                StateProjection::Running { future, permit } => {
                    let response = ready!(future.poll(cx))?;
                    let Some(permit) = permit.take() else {
                        return Poll::Ready(Ok(response));
                    };
                    let kept = this.overload.answered(permit, &response, clock::now());
                    let over = http_body::Body::is_end_stream(response.body());
                    return Poll::Ready(Ok(match kept.filter(|_| !over) {
                        Some(permit) => {
                            response.map(|body| Body::new(PermitBody::new(body, Some(permit))))
                        }
                        None => response,
                    }));
                }
            }
        }
    }
}

impl<S> fmt::Debug for ShedFuture<S>
where
    S: Service<Request<Body>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShedFuture")
            .field("overload", &self.overload)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
