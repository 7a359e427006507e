//! Which requests may be processed twice.

use http::{HeaderMap, HeaderName, Method};

/// `Idempotency-Key`: the server tells a repeated request by it (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether a request may be sent again although it may have been processed: by its method (RFC 9110, 9.2.2: `GET`, `HEAD`,
/// `OPTIONS`, `TRACE`, `PUT`, `DELETE`), or because it carries an [`Idempotency-Key`](IDEMPOTENCY_KEY).
#[must_use]
pub fn is_idempotent(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent()
        || headers
            .get(IDEMPOTENCY_KEY)
            .is_some_and(|key| !key.as_bytes().trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_method_or_by_key() {
        let mut headers = HeaderMap::new();
        for (method, expected) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::OPTIONS, true),
            (Method::TRACE, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::POST, false),
            (Method::PATCH, false),
            (Method::CONNECT, false),
        ] {
            assert_eq!(is_idempotent(&method, &headers), expected, "{method}");
        }
        headers.insert(IDEMPOTENCY_KEY, " ".parse().unwrap());
        assert!(!is_idempotent(&Method::POST, &headers), "an empty key");
        headers.insert(IDEMPOTENCY_KEY, "\"8e03978e\"".parse().unwrap());
        assert!(is_idempotent(&Method::POST, &headers));
    }
}
