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
    };
    print.table(tree, Some(root), false, "");
    print.text
}

struct Print<'p> {
    sources: &'p Sources,
    text: String,
}

impl Print<'_> {
    fn table(&mut self, tree: &Value, node: Option<Node<'_>>, hidden: bool, at: &str) {
        let Value::Dict(_, table) = tree else { return };
        let mut lines = Vec::new();
        let mut below = Vec::new();
        for (key, value) in table {
            let next = node.and_then(|node| node.child(key));
            let path = path::child(at, key);
            let hidden = hidden || next.is_some_and(Node::is_secret);
            if matches!(value, Value::Dict(..)) && !hidden {
                below.push((value, next, path));
                continue;
            }
            let source = self.sources.of(&path);
            let key = path::bare_or_quoted(key);
            lines.push(match value {
                Value::Empty(..) => (format!("# {key} is not set"), source),
                _ if hidden || self.holds_secret(value, next, &path) => {
                    (format!("# {key} = \"***\""), source)
                }
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
