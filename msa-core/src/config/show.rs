//! Values for people, with nothing in them that must not be seen.

use figment::value::{Num, Value};

use super::path;
use super::redact::{is_secret_name, redacted};

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
            let shown = redacted(text);
            (path::quoted(&shown), shown != *text)
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
            let shown = |(key, value): (&String, &Value)| match hides(key, value) {
                true => (key.clone(), ("\"***\"".to_owned(), true)),
                false => (key.clone(), toml(value)),
            };
            let entries: Vec<_> = entries.map(shown).collect();
            let hidden = entries.iter().any(|(_, (_, hidden))| *hidden);
            let entries = entries
                .into_iter()
                .map(|(key, (text, _))| format!("{} = {text}", path::bare_or_quoted(&key)));
            let entries: Vec<_> = entries.collect();
            (format!("{{ {} }}", entries.join(", ")), hidden)
        }
    }
}

/// Whether a value is hidden for its key's sake, since it is called as secrets are.
pub(super) fn hides(key: &str, value: &Value) -> bool {
    match value {
        Value::Bool(..) | Value::Empty(..) => false,
        // `max_tokens = 4096` counts them.
        Value::Num(..) if key.ends_with('s') => false,
        _ => is_secret_name(key),
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
