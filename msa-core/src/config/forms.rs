//! Values of several forms, such as an enum with fields.

use figment::value::{Dict, Value};

use super::layer::Sources;
use super::path;
use super::schema::Node;
use super::walk;

/// Drops what the defaults say of one form where somebody chose another.
///
/// A default `{ kind = "disk", path = "x" }` under a file's `{ kind = "memory" }` merges into a table with a `path` that nobody
/// wrote.
pub(super) fn settle(value: &mut Value, node: Node<'_>, sources: &mut Sources) {
    settle_at(value, node, sources, "");
}

fn settle_at(value: &mut Value, node: Node<'_>, sources: &mut Sources, at: &str) {
    let forms = node.alternatives();
    let fits = |value: &Value, sources: &Sources| walk::fits(value, &forms, sources, at);
    if !forms.is_empty() && sources.is_set(at) && !fits(value, sources) {
        if let Value::Dict(_, table) = value {
            drop_defaults(table, sources, at);
        }
        return;
    }
    let Value::Dict(_, table) = value else { return };
    for (key, value) in table.iter_mut() {
        if let Some(node) = node.child(key) {
            settle_at(value, node, sources, &path::child(at, key));
        }
    }
}

fn drop_defaults(table: &mut Dict, sources: &mut Sources, at: &str) {
    table.retain(|key, _| {
        let path = path::child(at, key);
        let keep = sources.is_set(&path);
        if !keep {
            sources.forget(&path);
        }
        keep
    });
}

/// The key that tells the forms apart, such as `kind`, and the values it may have.
pub(super) fn tag<'s>(forms: &[Node<'s>]) -> Option<(&'s str, Vec<&'s str>)> {
    let (first, _) = forms.split_first()?;
    first.properties().into_iter().find_map(|(name, _)| {
        let value = |form: &Node<'s>| match form.properties().iter().find(|(own, _)| *own == name) {
            Some((_, node)) => match node.choices()?.as_slice() {
                [only] => Some(*only),
                _ => None,
            },
            None => None,
        };
        let values: Option<Vec<_>> = forms.iter().map(value).collect();
        Some((name, values?))
    })
}

/// The form that a table was clearly meant to have: the one with its tag, or the one that is named by its only key.
pub(super) fn meant<'s>(table: &Dict, forms: &[Node<'s>]) -> Option<usize> {
    if let Some((key, values)) = tag(forms) {
        let chosen = table.get(key).and_then(Value::as_str)?;
        return values.iter().position(|value| *value == chosen);
    }
    let (only, rest) = (table.keys().next()?, table.len() - 1);
    let named =
        |form: &Node<'s>| matches!(form.properties().as_slice(), [(name, _)] if name == only);
    if rest == 0 {
        forms.iter().position(named)
    } else {
        None
    }
}
