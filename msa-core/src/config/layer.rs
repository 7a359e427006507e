//! One layer: a tree of values, and where each of them stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::Source;
use super::path;

/// One layer of the configuration. As a figment provider it carries its number, by which a merged value finds it again.
#[derive(Clone)]
pub(super) struct Layer {
    number: usize,
    /// What to blame when no place is known.
    whole: Source,
    tree: Dict,
    places: BTreeMap<String, Source>,
}

impl Layer {
    pub(super) fn new(whole: Source) -> Self {
        Self {
            number: 0,
            whole,
            tree: Dict::new(),
            places: BTreeMap::new(),
        }
    }

    pub(super) fn of(tree: Dict) -> Self {
        Self {
            tree,
            ..Self::new(Source::Default)
        }
    }

    /// Adds one value. Returns the place of what it contradicts, if anything.
    pub(super) fn insert(
        &mut self,
        keys: &[String],
        value: Value,
        source: &Source,
    ) -> Result<(), Source> {
        let mut at = String::new();
        let mut table = &mut self.tree;
        let Some((last, above)) = keys.split_last() else {
            return Ok(());
        };
        for key in above {
            at = path::child(&at, key);
            let next = table
                .entry(key.clone())
                .or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
            self.places
                .entry(at.clone())
                .or_insert_with(|| source.clone());
            match next {
                Value::Dict(_, inner) => table = inner,
                _ => return Err(self.place(&at)),
            }
        }
        at = path::child(&at, last);
        if let Some(old) = table.get_mut(last) {
            // A table given by one variable and its keys by others go together, unless both name a key.
            let (Value::Dict(_, old), Value::Dict(_, new)) = (old, value) else {
                return Err(self.place(&at));
            };
            if new.keys().any(|key| old.contains_key(key)) {
                return Err(self.place(&at));
            }
            for key in new.keys() {
                self.places.insert(path::child(&at, key), source.clone());
            }
            old.extend(new);
            return Ok(());
        }
        table.insert(last.clone(), value);
        self.places.insert(at, source.clone());
        Ok(())
    }

    /// The same places with this tree.
    pub(super) fn with_tree(self, tree: Dict) -> Self {
        Self { tree, ..self }
    }

    /// Notes where a key stands.
    pub(super) fn note(&mut self, path: String, source: Source) {
        self.places.entry(path).or_insert(source);
    }

    /// Where a key stands, or the nearest above it.
    pub(super) fn place(&self, path: &str) -> Source {
        let mut at = Some(path);
        while let Some(path) = at {
            if let Some(source) = self.places.get(path) {
                return source.clone();
            }
            at = path::parent(path);
        }
        self.whole.clone()
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.whole.to_string()).source(self.number.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.tree.clone())]))
    }
}

/// The layers merged so far.
#[derive(Default)]
pub(super) struct Layers {
    figment: Figment,
    layers: Vec<Layer>,
}

/// Where every value of a merged tree stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Arc<BTreeMap<String, Source>>);

impl Layers {
    /// Lays one more on top.
    pub(super) fn merge(&mut self, mut layer: Layer) {
        layer.number = self.layers.len();
        self.figment = std::mem::take(&mut self.figment).merge(&layer);
        self.layers.push(layer);
    }

    /// The merged value at a key.
    pub(super) fn get(&self, key: &str) -> Option<Value> {
        self.figment.find_value(key).ok()
    }

    /// Where the merged value at a key stands.
    pub(super) fn place(&self, key: &str) -> Option<Source> {
        let value = self.get(key)?;
        Some(self.source(&value, key))
    }

    /// The merged tree, and where each value of it stands.
    pub(super) fn finish(self) -> (Value, Sources) {
        // It fails when a provider does, and ours cannot.
        let tree = self.get("").unwrap_or_else(|| Value::from(Dict::new()));
        let mut found = BTreeMap::new();
        self.trace(&tree, "", &mut found);
        (tree, Sources(Arc::new(found)))
    }

    fn trace(&self, value: &Value, at: &str, found: &mut BTreeMap<String, Source>) {
        if !at.is_empty() {
            found.insert(at.to_owned(), self.source(value, at));
        }
        match value {
            Value::Dict(_, table) => {
                for (key, value) in table {
                    self.trace(value, &path::child(at, key), found);
                }
            }
            Value::Array(_, items) => {
                for (index, value) in items.iter().enumerate() {
                    self.trace(value, &path::item(at, index), found);
                }
            }
            _ => {}
        }
    }

    fn source(&self, value: &Value, at: &str) -> Source {
        self.figment
            .get_metadata(value.tag())
            .and_then(|metadata| metadata.source.as_ref()?.custom()?.parse::<usize>().ok())
            .and_then(|number| self.layers.get(number))
            .map_or(Source::Default, |layer| layer.place(at))
    }
}

impl Sources {
    /// Where the value at a key stands, or the nearest above it.
    pub(super) fn of(&self, path: &str) -> Source {
        let mut at = Some(path);
        while let Some(path) = at {
            if let Some(source) = self.0.get(path) {
                return source.clone();
            }
            at = path::parent(path);
        }
        Source::Default
    }

    /// Where the value at exactly this key stands.
    pub(super) fn exact(&self, path: &str) -> Option<&Source> {
        self.0.get(path)
    }

    /// These, but for some keys what others say.
    pub(super) fn with(&self, keys: &[String], others: &Self) -> Self {
        let mut all = (*self.0).clone();
        for key in keys {
            all.retain(|path, _| !is_below(path, key));
            let old = others.0.iter().filter(|(path, _)| is_below(path, key));
            all.extend(old.map(|(path, source)| (path.clone(), source.clone())));
        }
        Self(Arc::new(all))
    }

    /// These, without a key and all below it.
    pub(super) fn forget(&mut self, key: &str) {
        Arc::make_mut(&mut self.0).retain(|path, _| !is_below(path, key));
    }

    /// Whether anything at this key or below does not come from the defaults.
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|(key, source)| is_below(key, path) && *source != Source::Default)
    }
}

/// Whether `key` is `above` or lies below it.
fn is_below(key: &str, above: &str) -> bool {
    key.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
