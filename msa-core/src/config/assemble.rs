//! From texts to settings: lays the layers, checks the result, and reads it into its types.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::value::Value;

use super::env::Variables;
use super::error::{Problem, Source};
use super::files::{Files, Places};
use super::layer::{Layer, Layers, Sources};
use super::schema::Node;
use super::section::{self, AnySection, Kind, Refused};
use super::{Settings, certificates, clients, forms, path, secrets, suggest, toml, validate, walk};

/// Everything that loading needs; the same at every reload.
pub(super) struct Recipe {
    pub(super) service: String,
    pub(super) sections: Vec<(String, Kind)>,
    pub(super) aliases: Vec<(String, String)>,
    pub(super) variables: Variables,
    pub(super) places: Places,
    /// Texts given in place of files.
    pub(super) texts: Vec<(Arc<str>, String)>,
    pub(super) schema: serde_json::Value,
}

/// The merged values, checked, and where each comes from.
#[derive(Clone)]
pub(super) struct Merged {
    pub(super) tree: Value,
    pub(super) sources: Sources,
    pub(super) warnings: Vec<String>,
}

/// The values as their types.
pub(super) struct Typed {
    pub(super) settings: Arc<Settings>,
    pub(super) sections: BTreeMap<String, AnySection>,
    pub(super) warnings: Vec<String>,
}

impl Recipe {
    pub(super) fn root(&self) -> Node<'_> {
        Node::root(&self.schema)
    }

    /// What is on the disk now.
    pub(super) fn read(&self) -> Result<Files, Vec<Problem>> {
        let mut files = self.places.read()?;
        files.toml.extend(self.texts.iter().cloned());
        Ok(files)
    }

    /// Lays the layers and checks what comes out; all problems at once.
    pub(super) fn merge(&self, files: &Files) -> Result<Merged, Vec<Problem>> {
        let root = self.root();
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let mut layers = Layers::default();
        match self.defaults() {
            Ok(layer) => layers.merge(layer),
            Err(problem) => return Err(vec![problem]),
        }
        for (name, text) in &files.toml {
            let (layer, found) = toml::read(name, text, root);
            problems.extend(found);
            if let Some(layer) = layer {
                layers.merge(layer);
            }
        }
        layers.merge(secrets::read(files, root, &mut problems));
        layers.merge(self.variables.prefixed(root, &mut problems, &mut warnings));
        let last =
            self.variables
                .conventional(&layers, &self.aliases, root, &mut problems, &mut warnings);
        layers.merge(last);
        let (mut tree, mut sources) = layers.finish();
        forms::settle(&mut tree, root, &mut sources);
        problems.extend(walk::problems(&tree, root, &sources));
        if problems.is_empty() {
            Ok(Merged {
                tree,
                sources,
                warnings,
            })
        } else {
            Err(problems)
        }
    }

    fn defaults(&self) -> Result<Layer, Problem> {
        let refuse = |key: &str, error: String| {
            let message = format!("the default of `{key}` cannot be written as a value: {error}");
            Problem::new(Source::Default, key, message)
        };
        let defaults = section::defaults::<Settings>().map_err(|error| refuse("", error))?;
        let mut tree = defaults.into_dict().unwrap_or_default();
        for (name, kind) in &self.sections {
            let default = (kind.default)().map_err(|error| refuse(name, error))?;
            tree.insert(name.clone(), default);
        }
        Ok(Layer::of(tree))
    }

    /// Reads a checked tree into its types, and checks what concerns several settings.
    pub(super) fn read_types(&self, merged: &Merged) -> Result<Typed, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut refuse =
            |at: &str, error: Refused| problems.push(self.unreadable(merged, at, &error));
        let filled = clients::filled(merged.tree.clone());
        let settings: Option<Settings> = section::read(&filled)
            .map_err(|error| refuse("", error))
            .ok();
        let mut sections = BTreeMap::new();
        for (name, kind) in &self.sections {
            let Some(value) = merged.tree.find_ref(name) else {
                continue; // the defaults layer has every section
            };
            match (kind.read)(value) {
                Ok(section) => {
                    sections.insert(name.clone(), section);
                }
                Err(error) => refuse(name, error),
            }
        }
        let Some(settings) = settings else {
            return Err(problems);
        };
        let conflicts = validate::problems(&settings).into_iter();
        for (keys, message) in conflicts.chain(certificates::problems(&settings)) {
            let set = keys.iter().find(|key| merged.sources.is_set(key));
            let key = set.or(keys.first()).cloned().unwrap_or_default();
            problems.push(Problem::new(merged.sources.of(&key), key, message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Typed {
            settings: Arc::new(settings),
            sections,
            warnings: merged.warnings.clone(),
        })
    }

    /// An error of a type's own `Deserialize`, which may quote what it was given.
    fn unreadable(&self, merged: &Merged, at: &str, error: &Refused) -> Problem {
        let mut key = at.to_owned();
        let mut node = if at.is_empty() {
            Some(self.root())
        } else {
            self.root().child(at)
        };
        for name in &error.keys {
            key = path::child(&key, name);
            node = node.and_then(|node| node.child(name));
        }
        let source = merged.sources.of(&key);
        let said = &error.said;
        let mut hidden = Vec::new();
        hidden_texts(
            &merged.tree,
            Some(self.root()),
            &merged.sources,
            "",
            &mut hidden,
        );
        let quoted = hidden.iter().any(|text| said.contains(text.as_str()));
        let secret =
            quoted || node.is_some_and(Node::is_secret) || matches!(source, Source::Secret(_));
        let missing = said.starts_with("missing field") && !quoted;
        let message = if missing {
            let name = suggest::variable(key.split('.'));
            format!("`{key}`: {said}; set it in msa.toml or by a variable that begins with {name}")
        } else if secret && (quoted || Self::tells(merged, &key, said)) {
            format!(
                "`{key}` has a value that is refused, and is not shown since it is or holds a secret"
            )
        } else if secret {
            format!("`{key}`: {said} (the value is or holds a secret, and is not shown)")
        } else {
            format!("`{key}`: {said}")
        };
        Problem::new(source, key, message)
    }

    /// Whether what a type said of a secret tells any part of it, as a parser's error may: a word of it, or anything that
    /// serde itself says of a value, which quotes numbers too.
    fn tells(merged: &Merged, key: &str, said: &str) -> bool {
        const WORD: usize = 3;
        /// What an address begins with is no secret, and is what errors are about.
        const SCHEMES: [&str; 9] = [
            "amqp",
            "http",
            "https",
            "mysql",
            "postgres",
            "postgresql",
            "redis",
            "rediss",
            "sqlite",
        ];
        let Some(value) = merged.tree.find_ref(key) else {
            return true;
        };
        if said.starts_with("invalid ") {
            return true;
        }
        let said = said.to_lowercase();
        let mut texts = Vec::new();
        texts_of(value, &mut texts);
        texts.iter().any(|text| {
            let text = text.to_lowercase();
            let told = match text.split_once(':') {
                Some((scheme, rest)) if SCHEMES.contains(&scheme) => rest,
                _ => &text,
            };
            let mut words = told.split(|c: char| !c.is_alphanumeric());
            words.any(|word| word.chars().count() >= WORD && said.contains(word))
        })
    }
}

/// Every text inside of a value.
fn texts_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Dict(_, table) => table.values().for_each(|value| texts_of(value, found)),
        Value::Array(_, items) => items.iter().for_each(|value| texts_of(value, found)),
        Value::Empty(..) => {}
        other => found.push(match other {
            Value::String(_, text) => text.clone(),
            other => section::json(other).to_string(),
        }),
    }
}

/// Every text that must not be shown.
fn hidden_texts(
    value: &Value,
    node: Option<Node<'_>>,
    sources: &Sources,
    at: &str,
    found: &mut Vec<String>,
) {
    let secret = node.is_some_and(Node::is_secret)
        || (!at.is_empty() && matches!(sources.of(at), Source::Secret(_)));
    match value {
        Value::Dict(_, table) => {
            for (key, value) in table {
                let next = if secret {
                    node
                } else {
                    node.and_then(|node| node.child(key))
                };
                hidden_texts(value, next, sources, &path::child(at, key), found);
            }
        }
        Value::Array(_, items) => {
            for (index, value) in items.iter().enumerate() {
                let next = if secret {
                    node
                } else {
                    node.and_then(|node| node.item(index))
                };
                hidden_texts(value, next, sources, &path::item(at, index), found);
            }
        }
        Value::String(_, text) if secret && !text.is_empty() => found.push(text.clone()),
        _ => {}
    }
}
