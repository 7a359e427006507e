//! A view of the JSON Schema: what may stand at a key.
//!
//! The schema of [`Settings`](super::Settings) and of the user's sections is the one description of all keys. Coercion,
//! redaction, unknown keys, ranges and the restart mark are all read from it here, so that a new setting is one field.

use serde_json::{Map, Value};

/// `$ref`s followed at most; a schema that goes deeper only refers to itself.
const DEPTH: usize = 16;

/// Levels below a place in which a secret is looked for.
const SECRET_DEPTH: usize = 6;

/// The schema of one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'s> {
    root: &'s Value,
    here: &'s Value,
}

/// What keys an object may have besides its properties.
#[derive(Debug, Clone, Copy)]
pub(super) enum Others<'s> {
    /// None: it is a struct.
    Unknown,
    /// Any, with values of this schema: it is a map.
    Each(Node<'s>),
    /// Any, with anything.
    Anything,
}

impl<'s> Node<'s> {
    pub(super) fn root(schema: &'s Value) -> Self {
        Self {
            root: schema,
            here: schema,
        }
    }

    /// A schema within a document.
    pub(super) fn within(document: &'s Value, here: &'s Value) -> Self {
        Self {
            root: document,
            here,
        }
    }

    fn at(self, here: &'s Value) -> Self {
        Self {
            root: self.root,
            here,
        }
    }

    /// This schema's objects: its own, those it refers to, and the members of `allOf`.
    fn parts(self) -> Vec<&'s Map<String, Value>> {
        let mut parts = Vec::new();
        self.collect(&mut parts, DEPTH);
        parts
    }

    fn collect(self, parts: &mut Vec<&'s Map<String, Value>>, depth: usize) {
        let (Some(here), Some(depth)) = (self.here.as_object(), depth.checked_sub(1)) else {
            return;
        };
        parts.push(here);
        if let Some(target) = here
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix('#'))
            .and_then(|pointer| self.root.pointer(pointer))
        {
            self.at(target).collect(parts, depth);
        }
        for member in list(here, "allOf") {
            self.at(member).collect(parts, depth);
        }
        // `Option<T>` of a named type is `anyOf: [T, null]`.
        let forms: Vec<_> = forms(here).filter(|form| !is_null(form)).collect();
        if let [only] = forms.as_slice() {
            self.at(only).collect(parts, depth);
        }
    }

    fn find(self, keyword: &str) -> Option<&'s Value> {
        self.parts().into_iter().find_map(|part| part.get(keyword))
    }

    /// Whether this place takes no value, but only one of several forms that have nothing in common.
    pub(super) fn alternatives(self) -> Vec<Self> {
        if self.choices().is_some() {
            return Vec::new();
        }
        self.parts()
            .into_iter()
            .map(|part| {
                forms(part)
                    .filter(|form| !is_null(form))
                    .collect::<Vec<_>>()
            })
            .find(|forms| forms.len() > 1)
            .unwrap_or_default()
            .into_iter()
            .map(|form| self.at(form))
            .collect()
    }

    /// The texts that are allowed here, when it is a plain enumeration.
    pub(super) fn choices(self) -> Option<Vec<&'s str>> {
        fn texts(form: &Map<String, Value>) -> Option<Vec<&str>> {
            if let Some(text) = form.get("const").and_then(Value::as_str) {
                return Some(vec![text]);
            }
            let values = form.get("enum")?.as_array()?;
            let texts = values.iter().filter(|value| !value.is_null());
            texts.map(Value::as_str).collect()
        }
        self.parts().into_iter().find_map(|part| {
            texts(part).or_else(|| {
                let forms: Vec<_> = forms(part).filter(|form| !is_null(form)).collect();
                let each: Option<Vec<_>> = forms
                    .into_iter()
                    .map(|form| texts(form.as_object()?))
                    .collect();
                each.filter(|each| !each.is_empty())
                    .map(|each| each.concat())
            })
        })
    }

    /// The JSON types that are allowed here, without `null`; empty is any.
    pub(super) fn types(self) -> Vec<&'s str> {
        let types = match self.find("type") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        types.into_iter().filter(|name| *name != "null").collect()
    }

    /// Whether the value may be left open.
    pub(super) fn nullable(self) -> bool {
        self.parts().into_iter().any(|part| {
            let by_type = match part.get("type") {
                Some(Value::Array(types)) => types.iter().any(|name| name == "null"),
                Some(Value::String(name)) => name == "null",
                _ => false,
            };
            by_type || forms(part).any(is_null)
        })
    }

    /// Whether nothing is said of this place.
    pub(super) fn is_anything(self) -> bool {
        self.types().is_empty() && self.choices().is_none() && self.alternatives().is_empty()
    }

    /// Whether values are hidden: `writeOnly`, as [`Secret`](super::Secret) is.
    pub(super) fn is_secret(self) -> bool {
        self.find("writeOnly") == Some(&Value::Bool(true))
            || self.find("format").and_then(Value::as_str) == Some("password")
    }

    /// Whether a secret may stand here or below: then a value of the wrong shape, such as one text in place of a list of
    /// secrets, is one as well.
    pub(super) fn may_hold_secret(self) -> bool {
        self.holds_secret(SECRET_DEPTH)
    }

    fn holds_secret(self, depth: usize) -> bool {
        if self.is_secret() || depth == 0 {
            return true; // too deep to say: better hidden than shown
        }
        let others = match self.others() {
            Others::Each(node) => Some(node),
            Others::Unknown | Others::Anything => None,
        };
        self.properties()
            .into_iter()
            .map(|(_, node)| node)
            .chain(others)
            .chain(self.item(0))
            .chain(self.alternatives())
            .any(|node| node.holds_secret(depth - 1))
    }

    /// Whether a change takes effect at the next start only.
    pub(super) fn is_restart(self) -> bool {
        self.find("x-msa-restart") == Some(&Value::Bool(true))
    }

    pub(super) fn format(self) -> &'s str {
        self.find("format").and_then(Value::as_str).unwrap_or("")
    }

    pub(super) fn text(self, keyword: &str) -> Option<&'s str> {
        self.find(keyword).and_then(Value::as_str)
    }

    pub(super) fn number(self, keyword: &str) -> Option<f64> {
        self.find(keyword).and_then(Value::as_f64)
    }

    /// The named properties.
    pub(super) fn properties(self) -> Vec<(&'s str, Self)> {
        let mut found: Vec<(&'s str, Self)> = Vec::new();
        for part in self.parts() {
            let own = part.get("properties").and_then(Value::as_object);
            for (name, schema) in own.into_iter().flatten() {
                if found.iter().all(|(known, _)| known != name) {
                    found.push((name, self.at(schema)));
                }
            }
        }
        found
    }

    /// The properties that must be there.
    pub(super) fn required(self) -> Vec<&'s str> {
        self.parts()
            .into_iter()
            .flat_map(|part| list(part, "required"))
            .filter_map(Value::as_str)
            .collect()
    }

    pub(super) fn others(self) -> Others<'s> {
        let parts = self.parts();
        for part in &parts {
            let patterns = part.get("patternProperties").and_then(Value::as_object);
            if let Some(schema) = patterns.and_then(|patterns| patterns.values().next()) {
                return Others::Each(self.at(schema));
            }
            match part.get("additionalProperties") {
                Some(Value::Bool(false)) => return Others::Unknown,
                Some(Value::Bool(true)) => return Others::Anything,
                Some(schema) => return Others::Each(self.at(schema)),
                None => {}
            }
        }
        if parts.iter().any(|part| part.contains_key("properties")) {
            Others::Unknown
        } else {
            Others::Anything
        }
    }

    /// What may stand at this key of an object, as far as is known.
    pub(super) fn child(self, key: &str) -> Option<Self> {
        let own = self.properties().into_iter().find(|(name, _)| *name == key);
        own.map(|(_, node)| node)
            .or_else(|| {
                self.alternatives()
                    .into_iter()
                    .find_map(|form| form.child(key))
            })
            .or(match self.others() {
                Others::Each(node) => Some(node),
                _ => None,
            })
    }

    /// The key that is meant: `-` is `_`, and where letters have no case (variables, file names) any case.
    pub(super) fn key(this: Option<Self>, raw: &str, any_case: bool) -> String {
        let wanted = super::path::folded(raw);
        let same = |name: &str| {
            let name = super::path::folded(name);
            name == wanted || (any_case && name.eq_ignore_ascii_case(&wanted))
        };
        let named = this.and_then(|node| {
            let forms = node.alternatives();
            std::iter::once(node)
                .chain(forms)
                .flat_map(Self::properties)
                .map(|(name, _)| name)
                .find(|name| same(name))
        });
        match named {
            Some(name) => name.to_owned(),
            None if any_case => wanted.to_ascii_lowercase(),
            None => wanted,
        }
    }

    /// What may stand in a list at this place.
    pub(super) fn item(self, index: usize) -> Option<Self> {
        let fixed = self.find("prefixItems").and_then(Value::as_array);
        fixed
            .and_then(|items| items.get(index))
            .or_else(|| self.find("items"))
            .map(|schema| self.at(schema))
    }

    /// The schema at a key with several levels.
    pub(super) fn descend(self, keys: &[String]) -> Option<Self> {
        keys.iter().try_fold(self, |node, key| node.child(key))
    }
}

fn list<'s>(part: &'s Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'s Value> {
    let values = part.get(keyword).and_then(Value::as_array);
    values.into_iter().flatten()
}

fn forms(part: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    list(part, "anyOf").chain(list(part, "oneOf"))
}

fn is_null(form: &Value) -> bool {
    form.get("type").and_then(Value::as_str) == Some("null")
}
