//! What the caller of a request may do.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// What the caller may do, as whoever authenticated it found: a request extension that an authentication layer puts there, for the scopes
/// of a JWT, an introspection's answer, a client certificate.
///
/// ```
/// use axum::{Extension, Router};
/// use msa_core::server::handler::Scopes;
///
/// // Of the claim `scope` of a token (RFC 8693), words between blanks:
/// let scopes = Scopes::parse("orders:read orders:write");
/// assert!(scopes.has("orders:write"));
///
/// // A service that runs without authentication says so itself:
/// let routes: Router = Router::new().layer(Extension(Scopes::all()));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Scopes(Known);

#[derive(Clone, PartialEq, Eq)]
enum Known {
    All,
    Some(Arc<BTreeSet<Box<str>>>),
}

impl Scopes {
    /// These, with blanks between them, as RFC 6749 writes a list of scopes.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split_whitespace().collect()
    }

    /// Everything is allowed: for a service whose callers are trusted, or one that runs without authentication.
    #[must_use]
    pub fn all() -> Self {
        Self(Known::All)
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        match &self.0 {
            Known::All => true,
            Known::Some(scopes) => scopes.contains(scope),
        }
    }
}

impl<S: Into<Box<str>>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self(Known::Some(Arc::new(scopes)))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Known::All => f.write_str("Scopes(all)"),
            Known::Some(scopes) => f.debug_tuple("Scopes").field(scopes).finish(),
        }
    }
}

/// Who asks, as an extractor: what `#[handler(scope = "...")]` puts before a handler's own arguments.
///
/// Whoever calls such a handler without a router gives it what it is to be allowed: `Caller::with(Scopes::all())`.
#[derive(Debug, Clone, Default)]
pub struct Caller(Option<Scopes>);

impl Caller {
    /// One that may do this.
    #[must_use]
    pub fn with(scopes: Scopes) -> Self {
        Self(Some(scopes))
    }

    /// Goes on only when the caller may do all of this: one scope, or several with blanks between them.
    ///
    /// # Errors
    ///
    /// 401 when nothing has authenticated the request: there are no [`Scopes`] among its extensions. So a service that forgot its
    /// authentication layer refuses, and does not serve everybody. 403 when a scope is missing. Both say in `WWW-Authenticate` what is
    /// needed, as RFC 6750 has it (section 3).
    pub fn may(&self, scopes: &'static str) -> Result<(), Problem> {
        match &self.0 {
            Some(granted) if scopes.split_whitespace().all(|scope| granted.has(scope)) => Ok(()),
            Some(_) => Err(forbidden(scopes)),
            None => Err(unauthenticated(scopes)),
        }
    }
}

/// Without an error code, since nothing was wrong with a token: there was none (RFC 6750, section 3.1).
#[cold]
fn unauthenticated(scopes: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED)
        .detail("the request says nothing of who makes it, or the service authenticates nobody")
        .header(header::WWW_AUTHENTICATE, challenge("", scopes))
        .never_retry()
}

#[cold]
fn forbidden(scopes: &'static str) -> Problem {
    let error = "error=\"insufficient_scope\", ";
    Problem::new(StatusCode::FORBIDDEN)
        .title("Insufficient scope")
        .detail(format!("this needs the scope {scopes}"))
        .header(header::WWW_AUTHENTICATE, challenge(error, scopes))
        .never_retry()
}

fn challenge(error: &str, scopes: &str) -> HeaderValue {
    let challenge = format!("Bearer {error}scope=\"{scopes}\"");
    // What cannot stand in a header is not told; the status says the rest.
    HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(caller: &Caller, scopes: &'static str) -> (u16, String) {
        use axum::response::IntoResponse as _;

        let response = match caller.may(scopes) {
            Ok(()) => return (200, String::new()),
            Err(problem) => problem.into_response(),
        };
        let challenge = response.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge.unwrap())
    }

    #[test]
    fn who_was_not_authenticated_is_told_to_be_and_who_may_not_what_is_missing() {
        let needed = "orders:read orders:write";
        let nobody = answer(&Caller::default(), needed);
        assert_eq!(
            nobody,
            (401, "Bearer scope=\"orders:read orders:write\"".to_owned())
        );
        let reader = Caller::with(Scopes::parse("orders:read  profile"));
        let challenge =
            "Bearer error=\"insufficient_scope\", scope=\"orders:read orders:write\"".to_owned();
        assert_eq!(answer(&reader, needed), (403, challenge));
        assert_eq!(answer(&reader, "orders:read").0, 200);
        for caller in [Scopes::parse(needed), Scopes::all()] {
            assert_eq!(answer(&Caller::with(caller), needed).0, 200);
        }
    }

    #[test]
    fn a_scope_is_the_whole_word() {
        let scopes = Scopes::parse("orders");
        assert!(!scopes.has("orders:write") && !scopes.has("order") && !scopes.has(""));
    }
}
