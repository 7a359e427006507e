//! Goes over the merged values and reports everything that is wrong at once.

use figment::value::{Dict, Value};

use super::check;
use super::error::{Problem, Source};
use super::forms;
use super::layer::Sources;
use super::path;
use super::schema::{Node, Others};
use super::show;
use super::suggest;

/// Every unknown key, wrong type and value out of range of a merged tree.
pub(super) fn problems(tree: &Value, root: Node<'_>, sources: &Sources) -> Vec<Problem> {
    let mut walk = Walk {
        root,
        sources,
        problems: Vec::new(),
    };
    walk.value(tree, root, "");
    walk.problems
}

/// Whether a value has one of several forms, without a fault.
pub(super) fn fits(value: &Value, forms: &[Node<'_>], sources: &Sources, at: &str) -> bool {
    forms.iter().any(|form| {
        let mut walk = Walk {
            root: *form,
            sources,
            problems: Vec::new(),
        };
        walk.value(value, *form, at);
        walk.problems.is_empty()
    })
}

struct Walk<'w, 's> {
    root: Node<'s>,
    sources: &'w Sources,
    problems: Vec<Problem>,
}

impl<'s> Walk<'_, 's> {
    fn value(&mut self, value: &Value, node: Node<'s>, at: &str) {
        if node.is_anything() && !matches!(value, Value::Dict(..)) {
            return;
        }
        let forms = node.alternatives();
        if !forms.is_empty() {
            self.alternatives(value, node, &forms, at);
            return;
        }
        let types = node.types();
        let allows = |name| types.is_empty() || types.contains(&name);
        match value {
            Value::Dict(_, table) if allows("object") && node.choices().is_none() => {
                self.table(table, node, at);
            }
            Value::Array(_, items) if allows("array") && node.choices().is_none() => {
                let length = check::length(node, items.len(), "minItems", "maxItems", "entries");
                self.report(length, value, node, at);
                for (index, item) in items.iter().enumerate() {
                    if let Some(node) = node.item(index) {
                        self.value(item, node, &path::item(at, index));
                    }
                }
            }
            Value::Empty(..) if node.nullable() => {}
            _ => self.report(check::scalar(node, value), value, node, at),
        }
    }

    fn table(&mut self, table: &Dict, node: Node<'s>, at: &str) {
        let properties = node.properties();
        let others = node.others();
        for (key, value) in table {
            let path = path::child(at, key);
            let known = properties.iter().find(|(name, _)| name == key);
            match (known, others) {
                (Some(&(_, node)), _) | (None, Others::Each(node)) => {
                    self.value(value, node, &path)
                }
                (None, Others::Anything) => {}
                (None, Others::Unknown) => {
                    let source = self.sources.of(&path);
                    let message = suggest::unknown_key(at, key, node, self.root, &source);
                    self.problems.push(Problem::new(source, path, message));
                }
            }
        }
        for name in node.required() {
            if !table.contains_key(name) {
                let path = path::child(at, name);
                let message = format!("`{path}` is missing");
                let source = self.sources.of(at);
                self.problems.push(Problem::new(source, path, message));
            }
        }
    }

    /// One of several forms: fine when one fits; else the problems of the form that was clearly meant.
    fn alternatives(&mut self, value: &Value, node: Node<'s>, forms: &[Node<'s>], at: &str) {
        if matches!(value, Value::Empty(..)) && node.nullable() {
            return;
        }
        let attempt = |form: &Node<'s>| {
            let mut walk = Walk {
                root: self.root,
                sources: self.sources,
                problems: Vec::new(),
            };
            walk.value(value, *form, at);
            walk.problems
        };
        let mut tried: Vec<_> = forms.iter().map(attempt).collect();
        if tried.iter().any(Vec::is_empty) {
            return;
        }
        let table = value.as_dict();
        if let Some(meant) = table.and_then(|table| forms::meant(table, forms)) {
            self.problems.append(&mut tried.swap_remove(meant));
            return;
        }
        let message = match (table, forms::tag(forms)) {
            (Some(_), Some((key, values))) => {
                format!(
                    "needs its `{key}` to be one of {}",
                    suggest::listed(&values)
                )
            }
            _ => "fits none of the forms that are allowed here".into(),
        };
        self.report(Err(message), value, node, at);
    }

    fn report(&mut self, result: Result<(), String>, value: &Value, node: Node<'s>, at: &str) {
        let Err(message) = result else { return };
        let source = self.sources.of(at);
        let hidden = node.may_hold_secret()
            || matches!(source, Source::Secret(_))
            || path::keys(at).any(|key| show::hides(key, value));
        let got = if hidden {
            "a value that is not shown".to_owned()
        } else {
            show::brief(value)
        };
        let message = format!("`{at}` {message}; got {got}");
        self.problems.push(Problem::new(source, at, message));
    }
}
