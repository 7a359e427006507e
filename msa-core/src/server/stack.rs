//! The inbound stack: everything that a request passes, outermost first, on one page.
//!
//! ```text
//! connection       timeouts, limits, the drain            server/accept
//! probes           answered past everything below         health, put in front by the Service
//! txn              read or mint ids, answer with x-gtxid
//! trace + span     (with telemetry)
//! metrics + log    by matched route; sees every answer below
//! panic            a panic is a 500 problem document
//! shed / limit     (with overload protection), before the body is read
//! admit            too many hops 508; past the deadline 504, the handler dropped
//! body             too slow 408, too long 413
//! authn, rate limit, fault injection                      (with those parts)
//! compression      when configured
//! the user's router
//! ```
//!
//! CORS, when configured, stands outermost: a page of another origin may read errors too.

use std::sync::Arc;

use axum::Router;
use tower::{Layer, ServiceBuilder};

use super::ServerError;
use super::body::{BodyDeadline, BodyDeadlineLayer};
use super::extras::{across_origins, compressed};
use super::inbound::Inbound;
use super::layers::access::{AccessLayer, AccessService};
use super::layers::admit::{AdmitLayer, AdmitService};
use super::layers::limit::{LimitLayer, LimitService};
use super::layers::panic::{PanicLayer, PanicService};
use super::layers::sensitive::{SensitiveLayer, SensitiveService};
use super::layers::txn::{TxnLayer, TxnService};
use crate::config::Settings;
use crate::event::Observers;
use crate::txn::{Headers, Minter};

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
    /// The stack with these settings, of which it takes `server`, `txn` and `log.access`.
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

    /// Tells these observers of what the stack decides.
    #[must_use]
    pub fn observed_by(self, observers: Observers) -> Self {
        self.edit(|inbound| inbound.observers = observers)
    }

    /// Mints ids that follow from a seed, for tests and simulations.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        self.edit(|inbound| inbound.minter = Minter::seeded(seed))
    }

    /// Switches the access log, `log.access`, while requests run.
    pub fn set_access_log(&self, on: bool) {
        self.0.set_access_log(on);
    }

    /// Layers are shared only once they are put on; a layer that is still being built is rebuilt when it is shared.
    fn edit(self, change: impl FnOnce(&mut Inbound)) -> Self {
        let mut inbound = Arc::try_unwrap(self.0).unwrap_or_else(|shared| shared.copy());
        change(&mut inbound);
        Self(Arc::new(inbound))
    }
}

/// The stack around a service, innermost last.
pub type MsaService<S> = TxnService<
    AccessService<PanicService<AdmitService<BodyDeadline<LimitService<SensitiveService<S>>>>>>,
>;

impl<S> Layer<S> for MsaLayer {
    type Service = MsaService<S>;

    fn layer(&self, inner: S) -> MsaService<S> {
        let inbound = &self.0;
        ServiceBuilder::new()
            .layer(TxnLayer(inbound.clone()))
            // trace + span: telemetry's layer goes here
            .layer(AccessLayer(inbound.clone()))
            .layer(PanicLayer)
            // shed / limit: overload protection's layer goes here, before the body is read
            .layer(AdmitLayer(inbound.clone()))
            .layer(BodyDeadlineLayer::new(inbound.body_limits))
            .layer(LimitLayer(inbound.body_limit))
            .layer(SensitiveLayer(inbound.sensitive.clone()))
            // authn, rate limit, fault injection go here
            .service(inner)
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
