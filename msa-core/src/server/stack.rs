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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use tower::{Layer, ServiceBuilder};

use super::ServerError;
use super::body::{BodyDeadline, BodyDeadlineLayer, BodyLimits};
use super::layers::access::{AccessLayer, AccessService};
use super::layers::admit::{AdmitLayer, AdmitService};
use super::layers::limit::{LimitLayer, LimitService};
use super::layers::panic::{PanicLayer, PanicService};
use super::layers::sensitive::{SensitiveLayer, SensitiveService};
use super::layers::txn::{TxnLayer, TxnService};
use crate::config::{Settings, TxnHeaderNames};
use crate::event::Observers;
use crate::txn::{Headers, Minter, Trust};

/// What the layers of the inbound stack share.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) headers: Headers,
    pub(crate) trust: Trust,
    pub(crate) minter: Minter,
    pub(crate) max_hops: u32,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) observers: Observers,
    body_limit: usize,
    body_limits: BodyLimits,
    sensitive: Arc<[HeaderName]>,
    access_log: AtomicBool,
}

impl Inbound {
    pub(crate) fn access_log(&self) -> bool {
        self.access_log.load(Ordering::Relaxed)
    }
}

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
#[derive(Debug, Clone)]
pub struct MsaLayer(Arc<Inbound>);

impl MsaLayer {
    /// The stack with these settings, of which it takes `server`, `txn` and `log.access`.
    ///
    /// # Errors
    ///
    /// A header's name is not one.
    pub fn new(settings: &Settings) -> Result<Self, ServerError> {
        let mut sensitive = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE];
        for name in &settings.server.sensitive_headers {
            sensitive.push(header_name("server.sensitive_headers", name)?);
        }
        Ok(Self(Arc::new(Inbound {
            headers: headers(&settings.txn.headers)?,
            trust: Trust::networks(settings.txn.trust.iter().copied()),
            minter: Minter::default(),
            max_hops: settings.txn.max_hops.into(),
            request_timeout: Some(settings.server.request_timeout.get()),
            observers: Observers::none(),
            body_limit: usize::try_from(settings.server.body_limit.get()).unwrap_or(usize::MAX),
            body_limits: BodyLimits::from(&settings.server),
            sensitive: sensitive.into(),
            access_log: AtomicBool::new(settings.log.access),
        })))
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
        self.0.access_log.store(on, Ordering::Relaxed);
    }

    /// Layers are shared only once they are put on; a layer that is still being built is rebuilt when it is shared.
    fn edit(self, change: impl FnOnce(&mut Inbound)) -> Self {
        let mut inbound = Arc::try_unwrap(self.0).unwrap_or_else(|shared| Inbound {
            headers: shared.headers.clone(),
            trust: shared.trust.clone(),
            minter: shared.minter.fork(),
            max_hops: shared.max_hops,
            request_timeout: shared.request_timeout,
            observers: shared.observers.clone(),
            body_limit: shared.body_limit,
            body_limits: shared.body_limits,
            sensitive: shared.sensitive.clone(),
            access_log: AtomicBool::new(shared.access_log()),
        });
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
    across_origins(routes, layer, settings)
}

#[cfg(feature = "compression")]
#[allow(clippy::unnecessary_wraps)] // without the feature it can fail
fn compressed(routes: Router, settings: &Settings) -> Result<Router, ServerError> {
    if settings.server.compression {
        return Ok(routes.layer(tower_http::compression::CompressionLayer::new()));
    }
    Ok(routes)
}

#[cfg(not(feature = "compression"))]
fn compressed(routes: Router, settings: &Settings) -> Result<Router, ServerError> {
    if settings.server.compression {
        return Err(ServerError::Feature {
            key: "server.compression",
            feature: "compression",
        });
    }
    Ok(routes)
}

#[cfg(feature = "cors")]
fn across_origins(
    routes: Router,
    layer: &MsaLayer,
    settings: &Settings,
) -> Result<Router, ServerError> {
    use http::header::RETRY_AFTER;
    use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

    let origins = &settings.server.cors.origins;
    let allowed = match origins.as_slice() {
        [] => return Ok(routes),
        [any] if any == "*" => AllowOrigin::any(),
        origins => {
            let values = origins.iter().map(|origin| {
                let legal = origin.starts_with("http://") || origin.starts_with("https://");
                let value = http::HeaderValue::from_str(origin).ok().filter(|_| legal);
                value.ok_or_else(|| ServerError::Origin(origin.clone()))
            });
            AllowOrigin::list(values.collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(routes.layer(
        CorsLayer::new()
            .allow_origin(allowed)
            // What is asked for, not `*`: that would leave out `authorization`.
            .allow_methods(AllowMethods::mirror_request())
            .allow_headers(AllowHeaders::mirror_request())
            // What a page may not read unless told: the id to quote to whoever runs the service, and when to come again.
            .expose_headers([layer.headers().gtxid_name().clone(), RETRY_AFTER]),
    ))
}

#[cfg(not(feature = "cors"))]
fn across_origins(
    routes: Router,
    _layer: &MsaLayer,
    settings: &Settings,
) -> Result<Router, ServerError> {
    if settings.server.cors.origins.is_empty() {
        return Ok(routes);
    }
    Err(ServerError::Feature {
        key: "server.cors.origins",
        feature: "cors",
    })
}

fn headers(names: &TxnHeaderNames) -> Result<Headers, ServerError> {
    Ok(Headers::default()
        .with_gtxid(header_name("txn.headers.gtxid", &names.gtxid)?)
        .with_ltxid(header_name("txn.headers.ltxid", &names.ltxid)?)
        .with_branch(header_name("txn.headers.branch", &names.branch)?)
        .with_attempt(header_name("txn.headers.attempt", &names.attempt)?)
        .with_timeout(header_name("txn.headers.timeout", &names.timeout)?)
        .with_retries(header_name("txn.headers.retries", &names.retries)?)
        .with_criticality(header_name("txn.headers.criticality", &names.criticality)?))
}

fn header_name(key: &'static str, name: &str) -> Result<HeaderName, ServerError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| ServerError::HeaderName {
        key,
        name: name.to_owned(),
    })
}
