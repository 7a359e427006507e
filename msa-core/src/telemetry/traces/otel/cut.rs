//! Texts of attributes that are longer than they may be. The SDK has no such limit, so they are cut where spans are exported, which costs
//! no request anything.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Cuts every text of the span, its events and its links to so many characters.
pub(super) fn shorten(span: &mut SpanData, longest: usize) {
    let events = (span.events.events.iter_mut()).map(|event| &mut event.attributes);
    let links = (span.links.links.iter_mut()).map(|link| &mut link.attributes);
    let all = std::iter::once(&mut span.attributes)
        .chain(events)
        .chain(links);
    for attribute in all.flatten() {
        cut(attribute, longest);
    }
}

fn cut(attribute: &mut KeyValue, longest: usize) {
    match &mut attribute.value {
        Value::String(text) => {
            if let Some(short) = shorter(text.as_str(), longest) {
                *text = short.into();
            }
        }
        Value::Array(Array::String(texts)) => {
            for text in texts {
                if let Some(short) = shorter(text.as_str(), longest) {
                    *text = short.into();
                }
            }
        }
        _ => {}
    }
}

/// The beginning of a text that is too long.
fn shorter(text: &str, longest: usize) -> Option<String> {
    let (end, _) = text.char_indices().nth(longest)?;
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_its_characters_and_numbers_stay() {
        let cut_to = |value: Value, longest| {
            let mut attribute = KeyValue::new("a", value);
            cut(&mut attribute, longest);
            attribute.value
        };
        assert_eq!(
            cut_to("\u{AC00}\u{B098}\u{B2E4}".into(), 2),
            "\u{AC00}\u{B098}".into()
        );
        assert_eq!(cut_to("ab".into(), 2), "ab".into());
        assert_eq!(cut_to("ab".into(), 0), "".into());
        assert_eq!(cut_to(1234.into(), 2), 1234.into());
        let list = vec!["abc".into(), "d".into()];
        let short = vec!["a".into(), "d".into()];
        assert_eq!(
            cut_to(Value::Array(Array::String(list)), 1),
            Value::Array(Array::String(short))
        );
    }
}
