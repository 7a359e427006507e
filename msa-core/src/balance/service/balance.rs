//! The service that balances.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::sync::watch;
use tower::{BoxError, Service};

use super::instances::Instances;
use super::{BalancedBody, RequestHint, ResponseFuture};
use crate::balance::{Balanced, Fleet, PickHint};
use crate::clock;
use crate::discovery::{Endpoint, EndpointSet};

/// Sends each request to the inner service of the endpoint that is picked for it; see the [module](super). Cheap to clone.
pub struct BalanceService<S>(Arc<Instances<S>>);

impl<S: Clone> BalanceService<S> {
    /// Chooses by `balanced` among the newest of `endpoints`, each of which gets a service of its own by `make`.
    ///
    /// `make` is called when an endpoint is picked for the first time, in the task of the request; its service is cloned for
    /// each request and dropped when the endpoint has left. When the sender of `endpoints` is gone the last set stays.
    #[must_use]
    pub fn new(
        balanced: Arc<Balanced>,
        endpoints: watch::Receiver<EndpointSet>,
        make: impl Fn(&Endpoint) -> S + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Instances::new(balanced, endpoints, make)))
    }

    /// The endpoints with what is known of them.
    #[must_use]
    pub fn fleet(&self) -> &Arc<Fleet> {
        self.0.balanced().fleet()
    }
}

impl<S, B, R> Service<Request<B>> for BalanceService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = Response<BalancedBody<R>>;
    /// The inner service's, or [`NoEndpoint`](super::NoEndpoint).
    type Error = BoxError;
    type Future = ResponseFuture<S, B>;

    /// Always ready.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let now = clock::now();
        let picked = match request.extensions().get::<RequestHint>() {
            Some(hint) => hint.with(|hint| self.0.pick(hint, now)),
            None => self.0.pick(&PickHint::default(), now),
        };
        match picked {
            Some((pick, service)) => ResponseFuture::sent(pick, service, request),
            None => ResponseFuture::no_endpoint(),
        }
    }
}

impl<S> Clone for BalanceService<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for BalanceService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BalanceService").finish_non_exhaustive()
    }
}
