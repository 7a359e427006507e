//! What tracing systems tell each other along a trace.

use std::fmt;

use http::HeaderValue;

use super::list::members;

/// Members of a list at most.
const MEMBERS: usize = 32;
/// Characters of a list that are passed on at least, and here at most.
const LENGTH: usize = 512;
/// Members that are longer go first when a list is too long.
const LONG: usize = 128;

/// A W3C `tracestate`: up to 32 members `key=value`, the latest first.
///
/// msa adds nothing of its own, and passes on what came. A list with a member that breaks the grammar, or with more than 32 members,
/// is none; of a key that stands there twice the first counts; of a list with more than 512 characters the members longer than 128
/// are dropped first, then the last ones. All as the specification says (<https://www.w3.org/TR/trace-context-2/#tracestate-header>).
#[derive(Clone, PartialEq, Eq)]
pub struct TraceState(HeaderValue);

impl TraceState {
    /// Reads the values of all `tracestate` headers, in their order. `None` for an empty list as for a broken one.
    #[must_use]
    pub fn from_headers<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> Option<Self> {
        let mut values = values.into_iter();
        let (first, second) = (values.next()?, values.next());
        let alone = second.is_none();
        let mut list: Vec<&[u8]> = Vec::new();
        let mut count = 0;
        for value in [first].into_iter().chain(second).chain(values) {
            for member in members(value.as_bytes()) {
                count += 1;
                let key = key_of(member)?;
                if count > MEMBERS {
                    return None;
                }
                if !list.iter().any(|known| key_of(known) == Some(key)) {
                    list.push(member);
                }
            }
        }
        shorten(&mut list);
        if list.is_empty() {
            return None;
        }
        // Nearly always it is passed on as it came, which costs no copy.
        if alone && length(&list) == first.len() {
            return Some(Self(first.clone()));
        }
        HeaderValue::from_bytes(&list.join(&b',')).ok().map(Self)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        members(self.0.as_bytes())
            .find(|member| key_of(member) == Some(key.as_bytes()))
            .and_then(|member| member.get(key.len() + 1..))
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The list as text, as it stands in a header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// The list as a header's value.
    #[must_use]
    pub fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

fn length(list: &[&[u8]]) -> usize {
    let commas = list.len().saturating_sub(1);
    list.iter().map(|member| member.len()).sum::<usize>() + commas
}

fn shorten(list: &mut Vec<&[u8]>) {
    if length(list) <= LENGTH {
        return;
    }
    let mut over = length(list) - LENGTH;
    // From the end: the latest members stand in front.
    for at in (0..list.len()).rev() {
        if over == 0 {
            break;
        }
        if list.get(at).is_some_and(|member| member.len() > LONG) {
            over = over.saturating_sub(list.remove(at).len() + 1);
        }
    }
    while length(list) > LENGTH {
        list.pop();
    }
}

/// The key of a member that keeps to the grammar of level 2.
fn key_of(member: &[u8]) -> Option<&[u8]> {
    let at = member.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (member.get(..at)?, member.get(at + 1..)?);
    let key_is_legal = matches!(key, [b'a'..=b'z' | b'0'..=b'9', rest @ ..] if rest.len() <= 255
        && rest.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@')));
    // A value may have spaces, only not at its end, where they have been trimmed already.
    let value_is_legal = matches!(value.len(), 1..=256)
        && value
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && *byte != b'=' && *byte != b',');
    (key_is_legal && value_is_legal).then_some(key)
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TraceState").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let values: Vec<_> = values
            .iter()
            .map(|value| HeaderValue::from_str(value).unwrap())
            .collect();
        TraceState::from_headers(&values).map(|state| state.as_str().to_owned())
    }

    #[test]
    fn all_headers_together_are_one_list_in_their_order() {
        let joined = read(&["foo=1,bar=2", "", "rojo=1, \t congo=2 ", "baz=3"]);
        assert_eq!(joined.as_deref(), Some("foo=1,bar=2,rojo=1,congo=2,baz=3"));
        assert_eq!(
            read(&["foo= 1\t ,,\tbar=2"]).as_deref(),
            Some("foo= 1,bar=2")
        );
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["", " , "]), None);
    }

    #[test]
    fn of_a_repeated_key_the_first_counts() {
        assert_eq!(
            read(&["foo=1,bar=2", "foo=3"]).as_deref(),
            Some("foo=1,bar=2")
        );
    }

    #[test]
    fn one_member_that_breaks_the_grammar_breaks_the_list() {
        for bad in [
            "foo =1",
            "FOO=1",
            "foo.bar=1",
            "@foo=1",
            "foo",
            "=1",
            "foo=",
            "foo=bar=baz",
            "foo=\u{7f}",
            &format!("{}=1", "z".repeat(257)),
            &format!("z={}", "1".repeat(257)),
        ] {
            let values = [
                HeaderValue::from_static("ok=1"),
                HeaderValue::from_bytes(bad.as_bytes()).unwrap_or(HeaderValue::from_static("foo")),
            ];
            assert_eq!(TraceState::from_headers(&values), None, "{bad:?}");
        }
    }

    #[test]
    fn the_longest_keys_and_signs_of_level_2_are_legal() {
        for key in [
            "foo@",
            "foo@@bar",
            "foo@bar@baz",
            "1a_-*/",
            &"z".repeat(256),
        ] {
            let text = format!("{key}=1");
            assert_eq!(read(&[&text]), Some(text));
        }
    }

    #[test]
    fn members_are_at_most_32() {
        let list = |n: usize| (0..n).map(|i| format!("k{i}=1")).collect::<Vec<_>>();
        assert_eq!(read(&[&list(32).join(",")]), Some(list(32).join(",")));
        assert_eq!(read(&[&list(33).join(",")]), None);
    }

    #[test]
    fn a_list_that_is_too_long_loses_its_long_members_then_its_last() {
        let long = format!("long={}", "x".repeat(200));
        let short: Vec<_> = (0..6).map(|i| format!("s{i}={}", "y".repeat(76))).collect();
        let all = format!("{long},{}", short.join(","));
        assert_eq!(read(&[&all]), Some(short.join(",")));
        let many: Vec<_> = (0..10)
            .map(|i| format!("s{i}={}", "y".repeat(76)))
            .collect();
        let kept = read(&[&many.join(",")]).unwrap();
        assert_eq!(kept, many[..6].join(","));
        assert!(kept.len() <= LENGTH);
    }

    #[test]
    fn a_value_is_found_by_its_key() {
        let value = HeaderValue::from_static("rojo=00f0,congo=t61rc");
        let state = TraceState::from_headers([&value]).unwrap();
        assert_eq!(state.get("congo"), Some("t61rc"));
        assert_eq!(state.get("con"), None);
    }
}
