//! The `Idempotency-Key` of a request: the same key twice is the same request twice, and so has one effect.
//!
//! The header is the one of the IETF's draft. Its value is taken as it is, quoted or not: what counts is only whether
//! two of them are equal.

use std::fmt;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use msa_core::problem::Problem;
use msa_core::txn;

/// `Idempotency-Key`.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// `Idempotency-Replayed: true` is on an answer that was kept from an earlier request under the same key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in bytes. The key that stands for a call ([`IdempotencyKey::of_this_call`]) always fits.
pub const MAX_LENGTH: usize = 320;

/// A key: 1 to [`MAX_LENGTH`] visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes `text` for a key; `None` when it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal =
            (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        legal.then(|| Self(text.to_owned()))
    }

    /// A key for a request that came without one: the GTXID and the branch, which together name one call of the
    /// transaction. Whoever tries that call again, here or above, comes to the same key. `None` outside of a transaction.
    #[must_use]
    pub fn of_this_call() -> Option<Self> {
        txn::with_current(|txn| Self(format!("{}:{}", txn.gtxid(), txn.branch())))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the header.
    ///
    /// # Errors
    /// 400 when it is there twice or is not a key: to ignore it would order twice what should be ordered once.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(bad("there are two of them"));
        }
        let key = value.to_str().ok().and_then(Self::new);
        key.map(Some).ok_or_else(|| {
            bad("it must be 1 to 320 visible ASCII characters, and the same only for the same request")
        })
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST)
        .title("Bad Idempotency-Key")
        .detail(detail)
}

/// For handlers that cannot do without a key: 400 when it is missing.
impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)?.ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST)
                .title("No Idempotency-Key")
                .detail("send a key of your choice in the header Idempotency-Key, the same when you try again")
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::from_headers(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(values: &[&'static str]) -> Result<Option<IdempotencyKey>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_static(value));
        }
        IdempotencyKey::from_headers(&headers)
    }

    #[test]
    fn a_key_that_is_there_is_never_ignored() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["a-1"]).unwrap().unwrap().as_str(), "a-1");
        for bad in [&["a", "a"][..], &[""], &["a b"]] {
            assert_eq!(read(bad).unwrap_err().status(), 400, "{bad:?}");
        }
        assert!(IdempotencyKey::new(&"k".repeat(MAX_LENGTH)).is_some());
        assert!(IdempotencyKey::new(&"k".repeat(MAX_LENGTH + 1)).is_none());
    }

    #[test]
    fn the_key_of_a_call_is_the_same_for_each_of_its_attempts() {
        assert_eq!(IdempotencyKey::of_this_call(), None);
        let txn = txn::Txn::begin();
        let key = || txn::sync_scope(txn.clone(), IdempotencyKey::of_this_call);
        assert_eq!(key(), key());
        let text = key().unwrap().to_string();
        assert_eq!(IdempotencyKey::new(&text), key(), "it passes as a header");
    }
}
