//! What is put around or into the stack only when it is configured: compression and CORS, by tower-http.

use axum::Router;

use super::ServerError;
use crate::config::Settings;
use crate::txn::Headers;

#[cfg(feature = "compression")]
// Without the feature it can fail.
pub(super) fn compressed(routes: Router, settings: &Settings) -> Result<Router, ServerError> {
    if settings.server.compression {
        return Ok(routes.layer(tower_http::compression::CompressionLayer::new()));
    }
    Ok(routes)
}

#[cfg(not(feature = "compression"))]
pub(super) fn compressed(routes: Router, settings: &Settings) -> Result<Router, ServerError> {
    if settings.server.compression {
        return Err(ServerError::Feature {
            key: "server.compression",
            feature: "compression",
        });
    }
    Ok(routes)
}

#[cfg(feature = "cors")]
pub(super) fn across_origins(
    routes: Router,
    headers: &Headers,
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
            .expose_headers([headers.gtxid_name().clone(), RETRY_AFTER]),
    ))
}

#[cfg(not(feature = "cors"))]
pub(super) fn across_origins(
    routes: Router,
    _headers: &Headers,
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
