//! TOML with the place of every key, and without ever quoting a value in an error.

use std::sync::Arc;

use figment::value::{Dict, Tag, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, Source};
use super::layer::Layer;
use super::path;
use super::schema::Node;

/// Reads a file's text into a layer. A text with syntax errors gives all of them, and no layer.
pub(super) fn read(file: &Arc<str>, text: &str, root: Node<'_>) -> (Option<Layer>, Vec<Problem>) {
    let mut reader = Reader {
        lines: Lines::new(file, text),
        layer: Layer::new(Lines::whole(file)),
        problems: Vec::new(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            // The error's own text would show the line, and with it perhaps a password.
            let message = format!("not TOML: {}", error.message().replace('\n', ", "));
            Problem::new(reader.lines.source(at), "", message)
        };
        return (None, errors.into_iter().map(problem).collect());
    }
    let tree = reader.table(table.get_ref(), Some(root), "");
    let layer = reader.layer.with_tree(tree);
    (Some(layer), reader.problems)
}

/// Reads one value, as it may stand in a variable: `[1, 2]`, `{ a = 1 }`.
pub(super) fn read_value(text: &str, node: Option<Node<'_>>) -> Option<Value> {
    let file: Arc<str> = "".into();
    let mut reader = Reader {
        lines: Lines::new(&file, text),
        layer: Layer::new(Source::Default),
        problems: Vec::new(),
    };
    let value = DeValue::parse(text).ok()?;
    Some(reader.value(value.get_ref(), node, "")).filter(|_| reader.problems.is_empty())
}

struct Reader<'t> {
    lines: Lines<'t>,
    layer: Layer,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, node: Option<Node<'_>>, at: &str) -> Dict {
        // In the order of the text, so that of two spellings of a key the second is the one too many.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut tree = Dict::new();
        for (key, value) in entries {
            let source = self.lines.source(key.span().start);
            let name = Node::key(node, key.get_ref(), false);
            let path = path::child(at, &name);
            let next = node.and_then(|node| node.child(&name));
            let earlier = self.layer.place(&path);
            let new = self.value(value.get_ref(), next, &path);
            match tree.get_mut(&name) {
                None => {
                    self.layer.note(path, source);
                    tree.insert(name, new);
                }
                Some(old) => {
                    if !merge(old, new) {
                        let message = format!(
                            "`{path}` is already set at {earlier}; `-` and `_` are the same in a key"
                        );
                        self.problems.push(Problem::new(source, path, message));
                    }
                }
            }
        }
        tree
    }

    fn value(&mut self, value: &DeValue<'_>, node: Option<Node<'_>>, at: &str) -> Value {
        match value {
            DeValue::String(text) => Value::String(Tag::Default, text.to_string()),
            DeValue::Integer(number) => integer(number.as_str(), number.radix()),
            DeValue::Float(number) => {
                Value::from(number.as_str().parse::<f64>().unwrap_or(f64::NAN))
            }
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Datetime(time) => Value::String(Tag::Default, time.to_string()),
            DeValue::Array(items) => {
                let read = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                    let path = path::item(at, index);
                    let source = self.lines.source(item.span().start);
                    self.layer.note(path.clone(), source);
                    self.value(
                        item.get_ref(),
                        node.and_then(|node| node.item(index)),
                        &path,
                    )
                };
                let items = items.iter().enumerate().map(read).collect();
                Value::Array(Tag::Default, items)
            }
            DeValue::Table(table) => Value::Dict(Tag::Default, self.table(table, node, at)),
        }
    }
}

fn integer(digits: &str, radix: u32) -> Value {
    match (
        i64::from_str_radix(digits, radix),
        u64::from_str_radix(digits, radix),
    ) {
        (Ok(number), _) => Value::from(number),
        (_, Ok(number)) => Value::from(number),
        // Too large for any setting; the walker says so of a number out of range.
        _ => Value::from(i128::from_str_radix(digits, radix).unwrap_or(i128::MAX)),
    }
}

/// Lays a table over a table; `false` when both set a key.
fn merge(old: &mut Value, new: Value) -> bool {
    let (Value::Dict(_, old), Value::Dict(_, new)) = (old, new) else {
        return false;
    };
    new.into_iter().all(|(key, value)| match old.get_mut(&key) {
        Some(old) => merge(old, value),
        None => {
            old.insert(key, value);
            true
        }
    })
}

/// Turns an offset into line and column.
struct Lines<'t> {
    file: Arc<str>,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(file: &Arc<str>, text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.clone(),
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn whole(file: &Arc<str>) -> Source {
        Source::File {
            file: file.clone(),
            line: 0,
            column: 0,
        }
    }

    fn source(&self, offset: usize) -> Source {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line
            .checked_sub(1)
            .and_then(|index| self.starts.get(index))
            .copied()
            .unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Source::File {
            file: self.file.clone(),
            line,
            column: before.chars().count() + 1,
        }
    }
}
