//! The user's own sections, and reading a merged value into its type.

use std::any::Any;
use std::sync::Arc;

use figment::value::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::units::reveal;

/// A value of some section's type.
pub(super) type AnySection = Arc<dyn Any + Send + Sync>;

/// A section, with its type forgotten.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) default: fn() -> Result<Value, String>,
    /// For the schema: secrets are not in it.
    pub(super) shown: fn() -> Option<serde_json::Value>,
    pub(super) read: fn(&Value) -> Result<AnySection, Refused>,
}

impl Kind {
    pub(super) fn of<T>() -> Self
    where
        T: DeserializeOwned + Serialize + JsonSchema + Default + Send + Sync + 'static,
    {
        Self {
            schema: |generator| generator.subschema_for::<T>(),
            default: defaults::<T>,
            shown: || serde_json::to_value(T::default()).ok(),
            read: |value| read::<T>(value).map(|section| Arc::new(section) as AnySection),
        }
    }
}

/// A type's default as the lowest layer, secrets included.
pub(super) fn defaults<T: Default + Serialize>() -> Result<Value, String> {
    reveal(|| Value::serialize(T::default()).map_err(|error| error.kind.to_string()))
}

/// Why a type refuses its value: the keys down to the place, and what it said there.
pub(super) struct Refused {
    pub(super) keys: Vec<String>,
    pub(super) said: String,
}

/// A merged value as its type.
///
/// By serde_json, which types are tested with: figment's deserializer has no maps with numbers for keys, and changes
/// `is_human_readable` between two questions.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Refused> {
    serde_path_to_error::deserialize(json(value)).map_err(|error| {
        let keys = error.path().iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        Refused {
            keys: keys.collect(),
            said: error.inner().to_string(),
        }
    })
}

/// A merged value as JSON.
pub(super) fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::String(_, text) => Json::String(text.clone()),
        Value::Char(_, letter) => Json::String(letter.to_string()),
        Value::Bool(_, flag) => Json::Bool(*flag),
        Value::Num(_, number) => {
            let signed = number
                .to_i128()
                .and_then(|number| i64::try_from(number).ok());
            let unsigned = number
                .to_u128()
                .and_then(|number| u64::try_from(number).ok());
            match (signed, unsigned, number.to_f64()) {
                (Some(number), _, _) => number.into(),
                (_, Some(number), _) => number.into(),
                (_, _, Some(number)) => number.into(),
                _ => Json::Null,
            }
        }
        Value::Empty(..) => Json::Null,
        Value::Array(_, items) => items.iter().map(json).collect(),
        Value::Dict(_, table) => {
            let entries = table.iter().map(|(key, value)| (key.clone(), json(value)));
            Json::Object(entries.collect())
        }
    }
}
