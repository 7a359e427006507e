//! Values for people, with nothing in them that must not be seen.

use figment::value::{Num, Value};
use url::Url;

use super::path;

/// A value in one short piece, for an error.
pub(super) fn brief(value: &Value) -> String {
    let text = match value {
        Value::Dict(..) => return "a table".into(),
        Value::Array(..) => return "a list".into(),
        Value::Empty(..) => return "nothing".into(),
        other => toml(other).0,
    };
    if text.chars().count() <= 60 {
        return text;
    }
    let start: String = text.chars().take(57).collect();
    format!("{start}...")
}

/// A value as TOML, and whether something in it was hidden.
pub(super) fn toml(value: &Value) -> (String, bool) {
    match value {
        Value::String(_, text) => {
            let (text, hidden) = masked(text);
            (path::quoted(&text), hidden)
        }
        Value::Char(_, letter) => (path::quoted(&letter.to_string()), false),
        Value::Bool(_, flag) => (flag.to_string(), false),
        Value::Num(_, number) => (self::number(*number), false),
        Value::Empty(..) => ("\"\"".into(), true),
        Value::Array(_, items) => {
            let items: Vec<_> = items.iter().map(toml).collect();
            let hidden = items.iter().any(|(_, hidden)| *hidden);
            let items: Vec<_> = items.into_iter().map(|(text, _)| text).collect();
            (format!("[{}]", items.join(", ")), hidden)
        }
        Value::Dict(_, table) => {
            let entries = table
                .iter()
                .filter(|(_, value)| !matches!(value, Value::Empty(..)));
            let entries: Vec<_> = entries.map(|(key, value)| (key, toml(value))).collect();
            let hidden = entries.iter().any(|(_, (_, hidden))| *hidden);
            let entries = entries
                .into_iter()
                .map(|(key, (text, _))| format!("{} = {text}", path::bare_or_quoted(key)));
            let entries: Vec<_> = entries.collect();
            (format!("{{ {} }}", entries.join(", ")), hidden)
        }
    }
}

/// A text without the password that a URL in it carries, and whether there was one.
///
/// Such a text belongs into a [`Secret`](super::Secret); this is the net below those who forget.
fn masked(text: &str) -> (String, bool) {
    let Some((scheme, rest)) = text.split_once("://") else {
        return (text.to_owned(), false);
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A password may hold an unescaped `/`; the parser knows better where it ends, if it can read the URL at all.
    let carries = Url::parse(text).is_ok_and(|url| url.password().is_some());
    match (authority.rfind('@').or_else(|| rest.rfind('@')), carries) {
        (Some(end), true) => {
            let host = rest.get(end..).unwrap_or_default();
            (format!("{scheme}://***{host}"), true)
        }
        (Some(end), false) if authority.contains('@') => {
            let host = rest.get(end..).unwrap_or_default();
            (format!("{scheme}://***{host}"), true)
        }
        _ => (text.to_owned(), false),
    }
}

fn number(number: Num) -> String {
    if let Some(whole) = number.to_i128() {
        return whole.to_string();
    }
    match (number.to_u128(), number.to_f64()) {
        (Some(whole), _) => whole.to_string(),
        // `{:?}` keeps the point of 1.0, which TOML needs.
        (None, Some(float)) => format!("{float:?}").to_ascii_lowercase(),
        (None, None) => "0".into(),
    }
}
