//! B3, the headers of Zipkin (<https://github.com/openzipkin/b3-propagation>).

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::txn::{Hex, SpanContext, lower_hex};

const SINGLE: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const PARENT_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// In how many headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum B3 {
    /// All in `b3`.
    Single,
    /// Each in its own.
    Multi,
}

/// What a request said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// `None` for a decision without ids: the trace begins here.
    pub(super) span: Option<SpanContext>,
    /// `None` when the decision is ours.
    pub(super) sampled: Option<bool>,
}

impl B3 {
    pub(super) fn read(self, headers: &HeaderMap) -> Option<Found> {
        match self {
            Self::Single => single(only(headers, &SINGLE)?),
            Self::Multi => several(headers),
        }
    }

    pub(super) fn write(self, span: SpanContext, headers: &mut HeaderMap) {
        let (trace, id) = (Hex::of_trace(span.trace_id()), Hex::of_span(span.span_id()));
        let sampled = if span.is_sampled() { "1" } else { "0" };
        match self {
            Self::Single => {
                let text = format!("{}-{}-{sampled}", trace.as_str(), id.as_str());
                put(headers, SINGLE, text.as_bytes());
            }
            Self::Multi => {
                put(headers, TRACE_ID, trace.as_bytes());
                put(headers, SPAN_ID, id.as_bytes());
                headers.insert(SAMPLED, HeaderValue::from_static(sampled));
                // They would tell of another span.
                headers.remove(PARENT_ID);
                headers.remove(FLAGS);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Single => &["b3"],
            Self::Multi => &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"],
        }
    }
}

/// Digits and dashes are legal in a header, so there is always a value.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(text) {
        headers.insert(name, value);
    }
}

/// A header that stands there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// `<trace>-<span>[-<decision>[-<parent>]]`, or the decision alone.
fn single(text: &[u8]) -> Option<Found> {
    let mut parts = text.split(|byte| *byte == b'-');
    let (first, second) = (parts.next()?, parts.next());
    let Some(second) = second else {
        let sampled = decision(first)?;
        return Some(Found {
            span: None,
            sampled: Some(sampled),
        });
    };
    let sampled = parts.next().map(decision);
    let parent = parts.next().map(id);
    if sampled == Some(None) || parent == Some(None) || parts.next().is_some() {
        return None;
    }
    Some(Found {
        span: Some(span(first, second)?),
        sampled: sampled.flatten(),
    })
}

fn several(headers: &HeaderMap) -> Option<Found> {
    let debug = only(headers, &FLAGS) == Some(b"1");
    let sampled = match only(headers, &SAMPLED) {
        _ if debug => Some(true),
        Some(text) => decision(text),
        None => None,
    };
    let ids = only(headers, &TRACE_ID).zip(only(headers, &SPAN_ID));
    let span = ids.and_then(|(trace, id)| span(trace, id));
    (span.is_some() || sampled.is_some()).then_some(Found { span, sampled })
}

fn decision(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

/// A trace id has 16 or 32 digits; the short one is the low half.
fn span(trace: &[u8], span: &[u8]) -> Option<SpanContext> {
    if !matches!(trace.len(), 16 | 32) {
        return None;
    }
    SpanContext::new(number(trace)?, id(span)?)
}

fn id(text: &[u8]) -> Option<u64> {
    let read = number(text).filter(|_| text.len() == 16)?;
    u64::try_from(read).ok()
}

/// Some senders write capital digits.
fn number(text: &[u8]) -> Option<u128> {
    let mut digits = [0; 32];
    let room = digits.get_mut(..text.len())?;
    room.copy_from_slice(text);
    room.make_ascii_lowercase();
    lower_hex(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn read(b3: B3, headers: &[(&'static str, &str)]) -> Option<Found> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        b3.read(&map)
    }

    fn ids(found: Found) -> (String, String) {
        let span = found.span.unwrap();
        (
            format!("{:032x}", span.trace_id()),
            format!("{:016x}", span.span_id()),
        )
    }

    #[test]
    fn one_header_holds_ids_and_decision() {
        let short = &LONG[16..];
        let padded = format!("{:0>32}", short);
        for (text, trace, sampled) in [
            (
                format!("{LONG}-{SPAN}-1-05e3ac9a4f6e3b90"),
                LONG,
                Some(true),
            ),
            (format!("{LONG}-{SPAN}-0"), LONG, Some(false)),
            (format!("{LONG}-{SPAN}-d"), LONG, Some(true)),
            (format!("{LONG}-{SPAN}"), LONG, None),
            (format!("{short}-{SPAN}-1"), &padded, Some(true)),
            (
                format!("{}-{SPAN}-1", LONG.to_uppercase()),
                LONG,
                Some(true),
            ),
        ] {
            let found = read(B3::Single, &[("b3", &text)]).unwrap();
            assert_eq!(ids(found), (trace.to_owned(), SPAN.to_owned()), "{text}");
            assert_eq!(found.sampled, sampled, "{text}");
        }
        let denied = read(B3::Single, &[("b3", "0")]).unwrap();
        assert_eq!((denied.span, denied.sampled), (None, Some(false)));
    }

    #[test]
    fn what_is_not_b3_is_nothing() {
        let zero = "0".repeat(32);
        for text in [
            "",
            "x",
            "2",
            "-",
            LONG,
            &format!("{LONG}-{SPAN}-x"),
            &format!("{LONG}-{SPAN}-1-x"),
            &format!("{LONG}-{SPAN}-1-{SPAN}-1"),
            &format!("{zero}-{SPAN}-1"),
            &format!("{LONG}-{}-1", &zero[16..]),
            &format!("{}-{SPAN}-1", &LONG[1..]),
            &format!("{LONG}-{}-1", &SPAN[1..]),
        ] {
            assert_eq!(read(B3::Single, &[("b3", text)]), None, "{text:?}");
        }
        let text = format!("{LONG}-{SPAN}-1");
        assert_eq!(read(B3::Single, &[("b3", &text), ("b3", &text)]), None);
    }

    #[test]
    fn several_headers_say_the_same() {
        let both = [("x-b3-traceid", LONG), ("x-b3-spanid", SPAN)];
        for (more, sampled) in [
            (vec![("x-b3-sampled", "1")], Some(true)),
            (vec![("x-b3-sampled", "0")], Some(false)),
            (vec![("x-b3-sampled", "true")], Some(true)),
            (vec![("x-b3-flags", "1")], Some(true)),
            (vec![("x-b3-flags", "1"), ("x-b3-sampled", "0")], Some(true)),
            (vec![], None),
        ] {
            let headers: Vec<_> = both.into_iter().chain(more).collect();
            let found = read(B3::Multi, &headers).unwrap();
            assert_eq!(ids(found), (LONG.to_owned(), SPAN.to_owned()));
            assert_eq!(found.sampled, sampled, "{headers:?}");
        }
        assert_eq!(read(B3::Multi, &[("x-b3-traceid", LONG)]), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let span = SpanContext::new(7, 9).unwrap().sampled(true);
        for b3 in [B3::Single, B3::Multi] {
            let mut headers = HeaderMap::new();
            b3.write(span, &mut headers);
            let found = b3.read(&headers).unwrap();
            assert_eq!(found.span, Some(span.sampled(false)));
            assert_eq!(found.sampled, Some(true));
        }
    }
}
