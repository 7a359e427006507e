//! Faults of requests: a layer of the inbound stack.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::{End, FaultError, Faults, Plan, ResetBody, SlowBody, call};
use crate::config::FaultSettings;
use crate::event::Observers;
use crate::problem::Problem;

/// What [`Event::FaultInjected`](crate::event::Event::FaultInjected) calls the server.
const SERVER: &str = "server";

/// Lets requests meet faults. Cheap to clone; clones share the settings, which are live.
#[derive(Debug, Clone)]
pub struct FaultLayer {
    faults: Arc<ArcSwap<Option<Faults>>>,
    observers: Observers,
    seed: u64,
}

impl FaultLayer {
    /// The faults of these settings, drawn from this seed.
    ///
    /// # Errors
    ///
    /// [`FaultError`] says which setting cannot be used.
    pub fn new(settings: &FaultSettings, seed: u64) -> Result<Self, FaultError> {
        Ok(Self {
            faults: Arc::new(ArcSwap::from_pointee(compile(settings, seed)?)),
            observers: Observers::none(),
            seed,
        })
    }

    /// Tells these observers of each fault.
    #[must_use]
    pub fn observed_by(self, observers: Observers) -> Self {
        Self { observers, ..self }
    }

    /// Takes over changed settings.
    ///
    /// # Errors
    ///
    /// [`FaultError`] says which setting cannot be used; the last good ones stay.
    pub fn configure(&self, settings: &FaultSettings) -> Result<(), FaultError> {
        self.faults.store(Arc::new(compile(settings, self.seed)?));
        Ok(())
    }

    fn plan(&self, request: &Request<Body>) -> Plan {
        let faults = self.faults.load();
        let Some(faults) = &**faults else {
            return Plan::default();
        };
        let route = request.extensions().get::<MatchedPath>();
        let path = request.uri().path();
        let plan = faults.decide(route.map(MatchedPath::as_str), path, request.headers());
        if !plan.is_none() {
            call::tell(&plan, SERVER, &self.observers);
        }
        plan
    }
}

/// Settings that let no request meet a fault are none, but have to be right all the same.
fn compile(settings: &FaultSettings, seed: u64) -> Result<Option<Faults>, FaultError> {
    let faults = Faults::new(settings, seed)?;
    Ok(settings.is_on().then_some(faults))
}

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> FaultService<S> {
        FaultService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests may meet faults.
#[derive(Debug, Clone)]
pub struct FaultService<S> {
    inner: S,
    layer: FaultLayer,
}

impl<S> Service<Request<Body>> for FaultService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone,
{
    type Response = Response;
    type Error = S::Error;
    type Future = FaultFuture<S>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> FaultFuture<S> {
        let plan = self.layer.plan(&request);
        let state = if plan.delay.is_none() && plan.end.is_none() {
            State::Running {
                future: self.inner.call(request),
            }
        } else {
            // The one that is ready goes along; its clone has to become ready by itself.
            let clone = self.inner.clone();
            State::Delayed {
                sleep: sleep(plan.delay.unwrap_or_default()),
                call: Some((std::mem::replace(&mut self.inner, clone), request)),
            }
        };
        FaultFuture { state, plan }
    }
}

pin_project! {
    /// A request that may meet a fault.
    #[must_use = "futures do nothing unless polled"]
    pub struct FaultFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: State<S, S::Future>,
        plan: Plan,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        Delayed { #[pin] sleep: Sleep, call: Option<(S, Request<Body>)> },
        Running { #[pin] future: F },
    }
}

impl<S> Future for FaultFuture<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Output = Result<Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Delayed { sleep, call } => {
                    if this.plan.delay.is_some() {
                        ready!(sleep.poll(cx));
                    }
                    if let Some(end) = this.plan.end {
                        return Poll::Ready(Ok(ended(end)));
                    }
                    let Some((mut service, request)) = call.take() else {
                        return Poll::Pending; // polled again after its end
                    };
                    let future = service.call(request);
                    this.state.set(State::Running { future });
                }
                StateProjection::Running { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(match this.plan.slow_body {
                        Some(rate) => response.map(|body| Body::new(SlowBody::new(body, rate))),
                        None => response,
                    }));
                }
            }
        }
    }
}

#[cold]
fn ended(end: End) -> Response {
    match end {
        End::Abort(status) => Problem::new(status)
            .title("A fault on purpose")
            .detail("fault injection answered this request; the service did not see it")
            .into_response(),
        End::Reset => {
            let mut response = Response::new(Body::new(ResetBody));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    }
}

impl<S> fmt::Debug for FaultFuture<S>
where
    S: Service<Request<Body>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultFuture")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
