//! The nearest known key.

use strsim::normalized_damerau_levenshtein;

use super::error::Source;
use super::path;
use super::schema::{Node, Others};

/// From here on two names are taken for one that was mistyped: one slip in four letters, two in eight.
const ALIKE: f64 = 0.7;

/// Levels and keys looked at, at most: a type that contains itself has no end.
const DEPTH: usize = 16;
const LEAVES: usize = 4096;

/// What to say of a key that nobody knows.
pub(super) fn unknown_key(
    at: &str,
    key: &str,
    node: Node<'_>,
    root: Node<'_>,
    source: &Source,
) -> String {
    let path = path::child(at, key);
    let said = format!("unknown key `{path}`");
    if matches!(
        path.as_str(),
        "port" | "server.port" | "server.host" | "host"
    ) {
        return format!(
            "{said}; `server.addr` has both, such as 0.0.0.0:8080, and the variable PORT sets the port alone"
        );
    }
    let written = |path: &str| match source {
        Source::Variable(_) => variable(path.split('.')),
        _ => path.to_owned(),
    };
    if let Some(moved) = elsewhere(&path, root) {
        return format!("{said}; did you mean `{}`?", written(&moved));
    }
    let siblings: Vec<_> = node
        .properties()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    if let Some(near) = nearest(key, siblings.iter().copied()) {
        return format!(
            "{said}; did you mean `{}`?",
            written(&path::child(at, near))
        );
    }
    let same_name: Vec<_> = leaves(root)
        .into_iter()
        .filter(|leaf| leaf.last() == Some(&key) && !leaf.contains(&"*"))
        .collect();
    if let [only] = same_name.as_slice() {
        return format!("{said}; did you mean `{}`?", written(&only.join(".")));
    }
    if siblings.is_empty() {
        return format!("{said}; nothing can be set here");
    }
    let place = if at.is_empty() {
        "there are".to_owned()
    } else {
        format!("`{at}` has")
    };
    format!("{said}; {place} {}", listed(&siblings))
}

/// The choice that is nearest to a text.
pub(crate) fn nearest<'k>(wanted: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (likeness(wanted, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// What to say of a variable that begins with `MSA_`, has no `__` and names no key.
pub(super) fn stray_variable(name: &str, rest: &str, root: Node<'_>) -> String {
    let rest = rest.to_ascii_lowercase();
    let meant = elsewhere(&rest, root).or_else(|| {
        let leaves = leaves(root);
        let flat: Vec<_> = leaves.iter().filter(|leaf| !leaf.contains(&"*")).collect();
        flat.iter()
            .map(|leaf| (likeness(&rest, &flattened(&leaf.join("."))), leaf))
            .filter(|(likeness, _)| *likeness >= 0.85) // long names: stricter
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, leaf)| leaf.join("."))
    });
    match meant {
        Some(key) => format!(
            "{name} is not a key and is ignored; did you mean {}? Levels are separated by `__`",
            variable(key.split('.'))
        ),
        None => format!("{name} is not a key and is ignored"),
    }
}

/// How a key is written as a variable.
pub(super) fn variable<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    let keys: Vec<_> = keys.map(|key| path::folded(key).to_uppercase()).collect();
    format!("MSA_{}", keys.join("__"))
}

/// Names as a reader enumerates them.
pub(super) fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Every key that is no table, with `*` for the names of a map.
fn leaves(root: Node<'_>) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    collect_leaves(root, &mut Vec::new(), &mut found);
    found
}

fn collect_leaves<'s>(node: Node<'s>, at: &mut Vec<&'s str>, found: &mut Vec<Vec<&'s str>>) {
    if found.len() >= LEAVES {
        return;
    }
    let each = match node.others() {
        Others::Each(node) => Some(("*", node)),
        _ => None,
    };
    let below: Vec<_> = node.properties().into_iter().chain(each).collect();
    if at.len() >= DEPTH || below.is_empty() {
        found.push(at.clone());
        return;
    }
    for (name, node) in below {
        at.push(name);
        collect_leaves(node, at, found);
        at.pop();
    }
}

/// A known key with the same letters, but other levels: `server.drain_lag` for `server.drain.lag`.
fn elsewhere(path: &str, root: Node<'_>) -> Option<String> {
    let wanted = flattened(path);
    leaves(root).into_iter().find_map(|leaf| {
        let Some(star) = leaf.iter().position(|name| *name == "*") else {
            let known = leaf.join(".");
            return (flattened(&known) == wanted && known != path).then_some(known);
        };
        // `clients_user_service_timeout` is `clients.*.timeout` with a name in the middle.
        let before = flattened(&leaf.get(..star)?.join(".")) + "_";
        let after = String::from("_") + &flattened(&leaf.get(star + 1..)?.join("."));
        let name = wanted.strip_prefix(&before)?.strip_suffix(&after)?;
        let found = format!(
            "{}.{name}.{}",
            leaf.get(..star)?.join("."),
            leaf.get(star + 1..)?.join(".")
        );
        (!name.is_empty() && after.len() > 1 && found != path).then_some(found)
    })
}

fn flattened(path: &str) -> String {
    path::folded(path).replace('.', "_").to_ascii_lowercase()
}

fn likeness(a: &str, b: &str) -> f64 {
    normalized_damerau_levenshtein(
        &path::folded(a).to_ascii_lowercase(),
        &path::folded(b).to_ascii_lowercase(),
    )
}
