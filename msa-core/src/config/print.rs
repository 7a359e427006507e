//! `--print-config`: every effective value, where it comes from, and no secret.

use figment::value::Value;

use super::error::Source;
use super::layer::Sources;
use super::path;
use super::schema::Node;
use super::show;

/// All values as TOML that can be used as `msa.toml`; what is hidden or left open stands in a comment.
pub(super) fn toml(service: &str, tree: &Value, root: Node<'_>, sources: &Sources) -> String {
    let mut print = Print {
        sources,
        text: format!(
            "# The effective configuration of {service}: each value, and where it comes from.\n"
        ),
        rows: Vec::new(),
    };
    print.table(tree, Some(root), false, "");
    print.text
}

/// The same, value by value.
pub(super) fn rows(tree: &Value, root: Node<'_>, sources: &Sources) -> Vec<Row> {
    let mut print = Print {
        sources,
        text: String::new(),
        rows: Vec::new(),
    };
    print.table(tree, Some(root), false, "");
    print.rows
}

/// One effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Its key, as it is written in the configuration.
    pub key: String,
    /// The value as TOML, `"***"` when it is hidden; `None` when it is not set.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: String,
}

struct Print<'p> {
    sources: &'p Sources,
    text: String,
    rows: Vec<Row>,
}

impl Print<'_> {
    fn table(&mut self, tree: &Value, node: Option<Node<'_>>, hidden: bool, at: &str) {
        let Value::Dict(_, table) = tree else { return };
        let mut lines = Vec::new();
        let mut below = Vec::new();
        for (key, value) in table {
            let next = node.and_then(|node| node.child(key));
            let path = path::child(at, key);
            let hidden = hidden || next.is_some_and(Node::is_secret) || show::hides(key, value);
            if matches!(value, Value::Dict(..)) && !hidden {
                below.push((value, next, path));
                continue;
            }
            let source = self.sources.of(&path);
            let key = path::bare_or_quoted(key);
            let secret = hidden || self.holds_secret(value, next, &path);
            self.rows.push(Row {
                key: path.clone(),
                value: match value {
                    Value::Empty(..) => None,
                    _ if secret => Some("\"***\"".to_owned()),
                    value => Some(show::toml(value).0),
                },
                source: source.to_string(),
            });
            lines.push(match value {
                Value::Empty(..) => (format!("# {key} is not set"), source),
                _ if secret => (format!("# {key} = \"***\""), source),
                value => match show::toml(value) {
                    (text, false) => (format!("{key} = {text}"), source),
                    (text, true) => (format!("# {key} = {text}"), source),
                },
            });
        }
        if !lines.is_empty() && !at.is_empty() {
            self.text.push_str(&format!("\n[{at}]\n"));
        }
        let width = lines.iter().map(|(line, _)| line.chars().count()).max();
        let width = width.unwrap_or_default().min(44);
        for (line, source) in lines {
            self.text.push_str(&format!("{line:width$}  # {source}\n"));
        }
        for (value, node, path) in below {
            self.table(value, node, hidden, &path);
        }
    }

    /// Whether a value, or anything in it, comes from a secret file or is one by the schema.
    fn holds_secret(&self, value: &Value, node: Option<Node<'_>>, at: &str) -> bool {
        if node.is_some_and(Node::is_secret) || matches!(self.sources.of(at), Source::Secret(_)) {
            return true;
        }
        match value {
            Value::Array(_, items) => items.iter().enumerate().any(|(index, value)| {
                let next = node.and_then(|node| node.item(index));
                self.holds_secret(value, next, &path::item(at, index))
            }),
            Value::Dict(_, table) => table.iter().any(|(key, value)| {
                let next = node.and_then(|node| node.child(key));
                self.holds_secret(value, next, &path::child(at, key))
            }),
            _ => false,
        }
    }
}
