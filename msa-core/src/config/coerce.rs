//! Text from variables and secret files, turned into what the schema asks for.
//!
//! figment's own provider guesses, and so makes a number of the password `0123456`. Here text stays text unless the schema
//! says otherwise; what does not fit stays text too, and the walker reports it.

use figment::value::{Empty, Tag, Value};

use super::schema::Node;
use super::toml;

/// The value that the text means at this place.
///
/// Numbers and booleans are read as such; a list is written with commas or as `["a", "b"]` (TOML or JSON), a table as
/// `{ a = 1 }` or `{"a": 1}`; an empty text leaves open what may be left open.
pub(super) fn coerce(text: &str, node: Option<Node<'_>>) -> Value {
    let plain = || Value::String(Tag::Default, text.to_owned());
    let Some(node) = node else {
        return plain();
    };
    if text.is_empty() && node.nullable() {
        return Value::Empty(Tag::Default, Empty::None);
    }
    let trimmed = text.trim();
    if let Some(choices) = node.choices() {
        return choice(trimmed, &choices).map_or_else(plain, Value::from);
    }
    let forms = node.alternatives();
    if !forms.is_empty() {
        return alternative(text, &forms).unwrap_or_else(plain);
    }
    let types = node.types();
    if types.contains(&"string") {
        return plain();
    }
    types
        .iter()
        .find_map(|name| match *name {
            "integer" => integer(trimmed),
            "number" => integer(trimmed).or_else(|| number(trimmed)),
            "boolean" => boolean(trimmed).map(Value::from),
            "array" => list(trimmed, node),
            "object" if trimmed.starts_with('{') => structure(trimmed, node),
            _ => None,
        })
        .unwrap_or_else(plain)
}

/// The choice that is meant: exactly, else without regard to case and dashes, as variables are written.
fn choice(text: &str, choices: &[&str]) -> Option<String> {
    let loose = |choice: &str| choice.replace('-', "_").to_ascii_lowercase();
    let exact = choices.iter().find(|choice| **choice == text);
    exact
        .or_else(|| choices.iter().find(|choice| loose(choice) == loose(text)))
        .map(|choice| (*choice).to_owned())
}

fn alternative(text: &str, forms: &[Node<'_>]) -> Option<Value> {
    let mut read = forms.iter().map(|form| coerce(text, Some(*form)));
    if forms
        .iter()
        .any(|form| form.types().contains(&"string") && form.choices().is_none())
    {
        return None;
    }
    read.find(|value| !matches!(value, Value::String(..)))
}

fn integer(text: &str) -> Option<Value> {
    let signed = text.parse::<i64>().map(Value::from);
    signed
        .or_else(|_| text.parse::<u64>().map(Value::from))
        .ok()
}

fn number(text: &str) -> Option<Value> {
    let number = text.parse::<f64>().ok()?;
    number.is_finite().then(|| Value::from(number))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn list(text: &str, node: Node<'_>) -> Option<Value> {
    if text.starts_with('[') {
        return structure(text, node);
    }
    if text.is_empty() {
        return Some(Value::Array(Tag::Default, Vec::new()));
    }
    let items = text.split(',').map(str::trim).enumerate();
    let items = items.map(|(index, text)| coerce(text, node.item(index)));
    Some(Value::Array(Tag::Default, items.collect()))
}

/// TOML, else JSON.
fn structure(text: &str, node: Node<'_>) -> Option<Value> {
    toml::read_value(text, Some(node)).or_else(|| {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(from_json(value, Some(node)))
    })
}

fn from_json(value: serde_json::Value, node: Option<Node<'_>>) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Empty(Tag::Default, Empty::None),
        Json::Bool(flag) => Value::from(flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (_, Some(number)) => Value::from(number),
            _ => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Tag::Default, text),
        Json::Array(items) => {
            let items = items.into_iter().enumerate();
            let read = |(index, item)| from_json(item, node.and_then(|node| node.item(index)));
            Value::Array(Tag::Default, items.map(read).collect())
        }
        Json::Object(table) => {
            let entries = table.into_iter().map(|(key, value)| {
                let key = Node::key(node, &key, false);
                let next = node.and_then(|node| node.child(&key));
                (key, from_json(value, next))
            });
            Value::Dict(Tag::Default, entries.collect())
        }
    }
}
