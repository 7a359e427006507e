//! What an application tells all services of a transaction.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::hex::digit;
use super::list::{members, trim};

/// Members at most.
const MEMBERS: usize = 64;
/// Bytes of the whole list at most.
const LENGTH: usize = 8192;

/// W3C Baggage (<https://www.w3.org/TR/baggage/>): up to 64 members `key=value`, 8192 bytes in all, which travel with the
/// transaction to the services that `telemetry.baggage` names. Cheap to clone.
///
/// Anybody on the way can read and write it: no secrets, and nothing to be believed. A member that breaks the grammar is dropped, as
/// is what would be too much; of a key that comes again the last one counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage(Arc<[Member]>);

#[derive(Clone, PartialEq, Eq)]
struct Member {
    /// `key=value;property`, as it travels.
    text: Box<str>,
    key_length: usize,
}

impl Member {
    fn read(text: &[u8]) -> Option<Self> {
        let (pair, properties) = match text.iter().position(|byte| *byte == b';') {
            Some(at) => (text.get(..at)?, text.get(at..)?),
            None => (text, [].as_slice()),
        };
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (trim(pair.get(..at)?), trim(pair.get(at + 1..)?));
        let legal = is_token(key)
            && value.iter().all(is_octet)
            && properties
                .iter()
                .all(|byte| is_octet(byte) || matches!(byte, b' ' | b'\t' | b';'));
        if !legal {
            return None;
        }
        let mut text = String::from(std::str::from_utf8(key).ok()?);
        text.push('=');
        text.push_str(std::str::from_utf8(value).ok()?);
        text.push_str(std::str::from_utf8(properties).ok()?);
        Some(Self {
            text: text.into(),
            key_length: key.len(),
        })
    }

    fn key(&self) -> &str {
        self.text.get(..self.key_length).unwrap_or_default()
    }

    fn value(&self) -> Cow<'_, str> {
        let rest = self.text.get(self.key_length + 1..).unwrap_or_default();
        percent_decoded(rest.split(';').next().unwrap_or_default())
    }
}

/// A key is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaggageError {
    /// It is empty, or has characters other than those of an HTTP token.
    #[error("a baggage key has letters, digits and !#$%&'*+-.^_`|~ only, and at least one")]
    Key,
    /// It would be more than 64 members or 8192 bytes.
    #[error("baggage has at most 64 members and 8192 bytes; this would be more")]
    Full,
}

impl Baggage {
    /// Reads the values of all `baggage` headers, in their order.
    #[must_use]
    pub fn from_headers<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut list: Vec<Member> = Vec::new();
        let mut length = 0;
        for text in values
            .into_iter()
            .flat_map(|value| members(value.as_bytes()))
        {
            let Some(member) = Member::read(text) else {
                continue;
            };
            let again = list.iter().position(|known| known.key() == member.key());
            if let Some(known) = again.map(|at| list.remove(at)) {
                length -= known.text.len() + 1;
            }
            if list.len() == MEMBERS || length + member.text.len() > LENGTH {
                continue;
            }
            length += member.text.len() + 1;
            list.push(member);
        }
        Self(list.into())
    }

    /// The same with this member, in place of one with the same key; the value may be any text.
    ///
    /// # Errors
    ///
    /// The key is not one, or there is no room.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, BaggageError> {
        if !is_token(key.as_bytes()) {
            return Err(BaggageError::Key);
        }
        let member = Member {
            text: format!("{key}={}", encode(value)).into(),
            key_length: key.len(),
        };
        let others = self.0.iter().filter(|known| known.key() != key);
        let list: Arc<[Member]> = others.cloned().chain([member]).collect();
        let length: usize = list.iter().map(|member| member.text.len() + 1).sum();
        if list.len() > MEMBERS || length > LENGTH + 1 {
            return Err(BaggageError::Full);
        }
        Ok(Self(list))
    }

    /// The value of a key, percent-decoded.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let member = self.0.iter().find(|member| member.key() == key)?;
        Some(member.value())
    }

    /// Keys and values, the latter percent-decoded.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0.iter().map(|member| (member.key(), member.value()))
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The header that carries the members whose keys are allowed; `None` when there are none.
    #[must_use]
    pub fn header_value(&self, allowed: impl Fn(&str) -> bool) -> Option<HeaderValue> {
        let mut text = String::new();
        for member in self.0.iter().filter(|member| allowed(member.key())) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&member.text);
        }
        if text.is_empty() {
            return None;
        }
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
    }
}

/// A token of HTTP (RFC 9110, 5.6.2).
fn is_token(key: &[u8]) -> bool {
    !key.is_empty()
        && key
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// `baggage-octet` of the specification: printable ASCII without space, quote, comma, semicolon and backslash.
fn is_octet(byte: &u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if is_octet(&byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            let upper = |nibble| char::from(digit(nibble).to_ascii_uppercase());
            text.extend(['%', upper(byte >> 4), upper(byte & 0xf)]);
        }
    }
    text
}

/// What is not a `%` and two digits stays as it is; what is no UTF-8 then is replaced.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match after {
            [a, b, ..] if *first == b'%' => nibble(*a).zip(nibble(*b)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl fmt::Debug for Baggage {
    /// The keys only: the values are the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(Member::key))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Baggage {
        let values: Vec<_> = values
            .iter()
            .map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap())
            .collect();
        Baggage::from_headers(&values)
    }

    fn written(baggage: &Baggage) -> Option<String> {
        let value = baggage.header_value(|_| true)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn members_travel_as_they_came_without_the_space_between() {
        let baggage = read(&["key1 = value1 ; property1; k=v , key2=%20x", "key3="]);
        assert_eq!(
            written(&baggage).unwrap(),
            "key1=value1; property1; k=v,key2=%20x,key3="
        );
        assert_eq!(baggage.get("key2").as_deref(), Some(" x"));
        assert_eq!(baggage.get("key1").as_deref(), Some("value1"));
        assert_eq!(baggage.get("key3").as_deref(), Some(""));
    }

    #[test]
    fn a_member_that_breaks_the_grammar_is_dropped_alone() {
        let baggage = read(&["a=1,b,=2,c d=3,e=\"4\",f=\u{e9},g=5"]);
        assert_eq!(written(&baggage).unwrap(), "a=1,g=5");
        assert_eq!(written(&read(&["", ","])), None);
    }

    #[test]
    fn of_a_key_that_comes_again_the_last_counts() {
        assert_eq!(written(&read(&["a=1,b=2", "a=3"])).unwrap(), "b=2,a=3");
    }

    #[test]
    fn members_are_at_most_64_and_8192_bytes() {
        let many: Vec<_> = (0..70).map(|i| format!("k{i}=v")).collect();
        assert_eq!(read(&[&many.join(",")]).len(), 64);
        let big: Vec<_> = (0..10)
            .map(|i| format!("k{i}={}", "v".repeat(1000)))
            .collect();
        let kept = read(&[&big.join(",")]);
        assert_eq!(kept.len(), 8);
        assert!(written(&kept).unwrap().len() <= 8192);
        assert_eq!(kept.with("one", &"v".repeat(1000)), Err(BaggageError::Full));
        let exact = format!("k={}", "v".repeat(8190));
        assert_eq!(written(&read(&[&exact])).unwrap().len(), 8192);
    }

    #[test]
    fn only_allowed_keys_are_written() {
        let baggage = read(&["tenant=a,session=b"]);
        let value = baggage.header_value(|key| key == "tenant").unwrap();
        assert_eq!(value, "tenant=a");
        assert_eq!(baggage.header_value(|_| false), None);
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in "\\PC{0,40}") {
            let baggage = Baggage::default().with("key", &value).unwrap();
            let header = baggage.header_value(|_| true).unwrap();
            let read = Baggage::from_headers([&header]);
            prop_assert_eq!(read.get("key").unwrap(), value);
        }

        #[test]
        fn nothing_from_outside_panics_or_exceeds_the_limits(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let baggage = Baggage::from_headers([&value]);
                prop_assert!(baggage.len() <= 64);
                for (key, _) in baggage.iter() {
                    prop_assert!(is_token(key.as_bytes()));
                }
                let _kept = super::super::TraceState::from_headers([&value]);
                let _read = super::super::SpanContext::from_traceparent(&bytes);
            }
        }
    }
}
