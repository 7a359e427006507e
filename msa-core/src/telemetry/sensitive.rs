//! Which headers' values must not be shown.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName};

/// Credentials by custom: API gateways, OpenStack, AWS, Google, Vault, and what guards forms.
const BY_CUSTOM: [&str; 10] = [
    "api-key",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-access-token",
    "x-goog-api-key",
    "x-vault-token",
    "x-xsrf-token",
];

/// The headers whose values are marked as sensitive, so that nothing that prints headers prints them.
///
/// HTTP/2 keeps such values out of the tables that compress headers, too.
///
/// tower-http's layer looks every name up in every request: 450 instructions, 2.3 % of what a small one costs. This one
/// looks at the headers that there are.
#[derive(Debug, Clone)]
pub(crate) struct Sensitive {
    names: Arc<[HeaderName]>,
    /// Bit n: a name of this shape is among them. Nearly all other headers are passed over by this alone.
    shapes: u128,
}

impl Sensitive {
    /// Those that everybody keeps to himself, and these.
    pub(crate) fn new(more: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut names = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE];
        names.extend(BY_CUSTOM.map(HeaderName::from_static));
        names.extend(more);
        Self {
            shapes: names.iter().fold(0, |bits, name| bits | shape(name)),
            names: names.into(),
        }
    }

    #[inline]
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        // Most requests and answers have none of them, and to look is cheaper than to be ready to change.
        if headers.keys().any(|name| self.may_be(name)) {
            self.mark_some(headers);
        }
    }

    fn mark_some(&self, headers: &mut HeaderMap) {
        for (name, value) in headers {
            if self.may_be(name) && self.names.contains(name) {
                value.set_sensitive(true);
            }
        }
    }

    #[inline]
    fn may_be(&self, name: &HeaderName) -> bool {
        self.shapes & shape(name) != 0
    }
}

/// A bit by length, first and last letter.
#[inline]
fn shape(name: &HeaderName) -> u128 {
    let text = name.as_str().as_bytes();
    let (first, last) = match text {
        [first, .., last] => (usize::from(*first), usize::from(*last)),
        _ => (0, 0),
    };
    1 << ((text.len() * 7 + first * 3 + last * 11) & 127)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_value_of_the_names_is_marked_and_no_other() {
        let x_key = HeaderName::from_static("x-key");
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (AUTHORIZATION, "a"),
            (AUTHORIZATION, "b"),
            (x_key.clone(), "c"),
            (HeaderName::from_static("x-yek"), "d"),
            (HeaderName::from_static("x-api-key"), "e"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        Sensitive::new([x_key]).mark(&mut headers);
        let marked: Vec<_> = headers
            .values()
            .filter(|value| value.is_sensitive())
            .map(HeaderValue::as_bytes)
            .collect();
        assert_eq!(marked, [b"a", b"b", b"c", b"e"]);
    }
}
