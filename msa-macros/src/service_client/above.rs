//! What stands above a method: its verb, its options, and what is kept.

use syn::spanned::Spanned as _;
use syn::{Attribute, LitStr, Meta, TraitItemFn};

use super::options::{OPTIONS, Options};
use super::verb::Verb;
use crate::args::{Errors, nearest};

/// What the compiler knows, and belongs to the trait.
const KEPT: [&str; 8] = [
    "doc",
    "cfg_attr",
    "allow",
    "warn",
    "deny",
    "expect",
    "deprecated",
    "must_use",
];

/// Above a method: its verb, its options, and what is kept.
#[derive(Default)]
pub(super) struct Above {
    pub(super) verb: Option<(Verb, LitStr)>,
    pub(super) options: Options,
    pub(super) attrs: Vec<Attribute>,
    pub(super) cfgs: Vec<Attribute>,
}

impl Above {
    pub(super) fn read(written: &TraitItemFn, errors: &mut Errors) -> Self {
        let mut above = Self::default();
        for attr in &written.attrs {
            let name = attr
                .path()
                .segments
                .last()
                .map(|last| last.ident.to_string());
            let name = name.unwrap_or_default();
            let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == name);
            if let Some(verb) = verb {
                above.verb(attr, verb, errors);
            } else if name == "cfg" {
                above.cfgs.push(attr.clone());
            } else if KEPT.contains(&name.as_str()) {
                above.attrs.push(attr.clone());
            } else if OPTIONS.contains(&name.as_str()) {
                above.options.take(attr, &name, errors);
            } else {
                let verbs = Verb::ALL.into_iter().map(Verb::as_str);
                let message = match nearest(&name, verbs.chain(OPTIONS)) {
                    Some(known) => {
                        format!("`#[{name}]` says nothing of a call: did you mean `#[{known}]`?")
                    }
                    None => format!(
                        "`#[{name}]` says nothing of a call: known are the verbs (`#[get(\"/path\")]`), `#[timeout]`, `#[retry]`, \
                         `#[no_retry]`, `#[idempotent]`, `#[max_response]` and `#[stream]`"
                    ),
                };
                errors.at(attr.span(), message);
            }
        }
        if above.verb.is_none() && !written.attrs.iter().any(is_verb) {
            let name = &written.sig.ident;
            let message = format!(
                "`{name}` calls nothing: write its verb and path above it, such as `#[get(\"/{name}\")]`"
            );
            errors.at(name.span(), message);
        }
        above
    }

    fn verb(&mut self, attr: &Attribute, verb: Verb, errors: &mut Errors) {
        let path = match &attr.meta {
            Meta::List(list) => list.parse_args::<LitStr>().ok(),
            _ => None,
        };
        let name = verb.as_str();
        let Some(path) = path else {
            let message =
                format!("a path in quotes stands here: write `#[{name}(\"/users/{{id}}\")]`");
            errors.at(attr.span(), message);
            return;
        };
        if let Some((first, _)) = &self.verb {
            let message = format!(
                "a call has one verb, and `#[{}]` is it already: write a second method",
                first.as_str()
            );
            errors.at(attr.span(), message);
            return;
        }
        self.verb = Some((verb, path));
    }
}

fn is_verb(attr: &Attribute) -> bool {
    let name = attr.path().get_ident().map(ToString::to_string);
    Verb::ALL
        .into_iter()
        .any(|verb| name.as_deref() == Some(verb.as_str()))
}
