//! What a reload changes, and what it may not.

use figment::value::{Dict, Value};

use super::assemble::Merged;
use super::path;
use super::schema::Node;

/// What a reload changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Keys whose new values are in effect.
    pub live: Vec<String>,
    /// Keys whose new values take effect at the next start; until then they keep the old ones.
    pub restart: Vec<String>,
}

impl Changed {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.restart.is_empty()
    }
}

/// Compares with what is in effect, and puts back what needs a restart.
pub(super) fn pin(new: &mut Merged, old: &Merged, root: Node<'_>) -> Changed {
    let mut changed = Changed::default();
    let mut pinned = Vec::new();
    let mut pin = Pin {
        changed: &mut changed,
        pinned: &mut pinned,
    };
    if let (Value::Dict(_, new), Value::Dict(_, old)) = (&mut new.tree, &old.tree) {
        pin.tables(new, old, Some(root), false, "");
    }
    new.sources = new.sources.with(&pinned, &old.sources);
    changed
}

struct Pin<'p> {
    changed: &'p mut Changed,
    pinned: &'p mut Vec<String>,
}

impl Pin<'_> {
    fn tables(
        &mut self,
        new: &mut Dict,
        old: &Dict,
        node: Option<Node<'_>>,
        restart: bool,
        at: &str,
    ) {
        let keys: std::collections::BTreeSet<String> =
            new.keys().chain(old.keys()).cloned().collect();
        for key in keys {
            let path = path::child(at, &key);
            let next = node.and_then(|node| node.child(&key));
            let restart = restart || next.is_some_and(Node::is_restart);
            let before = old.get(&key);
            if let Some(Value::Dict(tag, table)) = new.get_mut(&key) {
                let none = Value::Dict(*tag, Dict::new());
                if let Value::Dict(_, before) = before.unwrap_or(&none) {
                    self.tables(table, before, next, restart, &path);
                    continue;
                }
            }
            if new.get(&key) == before {
                continue;
            }
            if !restart {
                self.changed.live.push(path);
                continue;
            }
            match before {
                Some(before) => new.insert(key, before.clone()),
                None => new.remove(&key),
            };
            self.pinned.push(path.clone());
            self.changed.restart.push(path);
        }
    }
}
