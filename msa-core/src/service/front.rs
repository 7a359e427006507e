//! What stands before the router: the probes, past everything below.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use futures_util::future::Either;
use http::Request;
use tokio::task::futures::TaskLocalFuture;
use tower::Service;

use crate::balance::LOAD_HEADER;
use crate::clock;
use crate::health::Probes;
use crate::resilience::policy::Policies;
use crate::server::load::ServerLoad;

/// The router behind its probes.
#[derive(Debug, Clone)]
pub(super) struct Front {
    pub(super) probes: Probes,
    /// Told to whoever probes.
    pub(super) load: Arc<ServerLoad>,
    pub(super) router: Router,
    /// In whose scope the requests are.
    pub(super) policies: Option<Policies>,
}

type Routed = Either<TaskLocalFuture<Policies, RouteFuture<Infallible>>, RouteFuture<Infallible>>;

impl Service<Request<Body>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Routed, Ready<Result<Response, Infallible>>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.probes.answer(&request) {
            Some(mut response) => {
                let report = self.load.report(clock::now()).to_header();
                response.headers_mut().insert(LOAD_HEADER, report);
                Either::Right(ready(Ok(response)))
            }
            None => Either::Left({
                let routed = self.router.call(request);
                match &self.policies {
                    Some(policies) => Either::Left(policies.scope(routed)),
                    None => Either::Right(routed),
                }
            }),
        }
    }
}
