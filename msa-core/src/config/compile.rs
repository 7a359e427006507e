//! The one schema: msa's settings and the user's sections.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Settings;
use super::schema::Node;
use super::section::Kind;

/// The JSON Schema (draft 2020-12) of all keys. Defaults of secrets are not in it.
pub(super) fn schema(service: &str, sections: &[(String, Kind)]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = Settings::json_schema(&mut generator).to_value();
    let mut own = Map::new();
    for (name, kind) in sections {
        let mut schema = (kind.schema)(&mut generator).to_value();
        if let (Some(schema), Some(default)) = (schema.as_object_mut(), (kind.shown)()) {
            schema.entry("default").or_insert(default);
        }
        own.insert(name.clone(), schema);
    }
    let mut definitions = generator.take_definitions(true);
    for schema in own.values_mut() {
        optional(schema, &mut definitions);
    }
    if let Some(root) = root.as_object_mut() {
        if let Some(Value::Object(properties)) = root.get_mut("properties") {
            properties.extend(own);
        }
        root.insert("$defs".into(), Value::Object(definitions));
        root.insert("title".into(), format!("Configuration of {service}").into());
        let draft = "https://json-schema.org/draft/2020-12/schema";
        root.insert("$schema".into(), draft.into());
    }
    scrub(&mut root);
    root
}

/// Nothing of a section is required: what is not set comes from the type's `Default`.
fn optional(schema: &mut Value, definitions: &mut Map<String, Value>) {
    let name = schema.get("$ref").and_then(Value::as_str);
    let name = name.and_then(|reference| reference.strip_prefix("#/$defs/"));
    let target = match name.map(str::to_owned) {
        Some(name) => definitions.get_mut(&name),
        None => Some(schema),
    };
    if let Some(target) = target.and_then(Value::as_object_mut) {
        target.remove("required");
    }
}

/// Takes secrets out of every `default`.
fn scrub(root: &mut Value) {
    let mut found = Vec::new();
    defaults(root, String::new(), &mut found);
    let original = root.clone();
    for pointer in found {
        let (Some(here), Some(Value::Object(target))) =
            (original.pointer(&pointer), root.pointer_mut(&pointer))
        else {
            continue;
        };
        let kept = here
            .get("default")
            .and_then(|default| shown(default, Some(Node::within(&original, here))));
        match kept {
            Some(default) => target.insert("default".into(), default),
            None => target.remove("default"),
        };
    }
}

/// The pointers of all schemas that have a default.
fn defaults(schema: &Value, at: String, found: &mut Vec<String>) {
    let Some(here) = schema.as_object() else {
        return;
    };
    for (keyword, value) in here {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "$defs", Value::Object(named)) => {
                for (name, schema) in named {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    defaults(schema, format!("{at}/{keyword}/{name}"), found);
                }
            }
            ("items" | "additionalProperties", schema) => {
                defaults(schema, format!("{at}/{keyword}"), found);
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(forms)) => {
                for (index, schema) in forms.iter().enumerate() {
                    defaults(schema, format!("{at}/{keyword}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    if here.contains_key("default") {
        found.push(at);
    }
}

/// A default without its secrets; `None` when it is one.
fn shown(default: &Value, node: Option<Node<'_>>) -> Option<Value> {
    if node.is_some_and(Node::is_secret) {
        return None;
    }
    Some(match default {
        Value::Object(table) => {
            let entries = table.iter().filter_map(|(key, value)| {
                let next = node.and_then(|node| node.child(key));
                Some((key.clone(), shown(value, next)?))
            });
            Value::Object(entries.collect())
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let kept = |(index, item)| shown(item, node.and_then(|node| node.item(index)));
            Value::Array(items.filter_map(kept).collect())
        }
        other => other.clone(),
    })
}
