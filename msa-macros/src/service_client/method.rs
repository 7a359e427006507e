//! One method of the trait: its verb, its path, its arguments and its options.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, LitStr, Meta, ReceiverKind, TraitItemFn};

use super::argument::{self, Argument, Place};
use super::returns::Returns;
use super::template::{self, Piece};
use crate::args::{Args, Errors, Grammar, Known, nearest};
use crate::literal::{self, Value};

/// The method of the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    const ALL: [Self; 6] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    pub(super) fn upper(self) -> String {
        self.as_str().to_ascii_uppercase()
    }

    /// Whether an argument without a mark is its body.
    pub(super) fn takes_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// One method.
pub(super) struct Method {
    /// Documentation, lints, `#[deprecated]`: for the trait.
    pub(super) attrs: Vec<Attribute>,
    /// `#[cfg]`: for everything that is made of the method.
    pub(super) cfgs: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) verb: Verb,
    pub(super) pieces: Vec<Piece>,
    pub(super) arguments: Vec<Argument>,
    pub(super) options: Options,
    pub(super) returns: Returns,
}

/// What a call asks for beyond the settings of its service.
#[derive(Default)]
pub(super) struct Options {
    timeout: Option<Value<std::time::Duration>>,
    attempt_timeout: Option<Value<std::time::Duration>>,
    max_response: Option<Value<u64>>,
    max_retries: Option<Value<u64>>,
    idempotent: bool,
    stream: bool,
}

static TIMEOUT: Grammar = Grammar {
    attribute: "timeout",
    known: &[
        Known::new("total", "\"500ms\""),
        Known::new("attempt", "\"200ms\""),
    ],
    first: Some("total"),
};
static RETRY: Grammar = Grammar {
    attribute: "retry",
    known: &[Known::new("max", "2")],
    first: Some("max"),
};
static MAX_RESPONSE: Grammar = Grammar {
    attribute: "max_response",
    known: &[Known::new("size", "\"64KiB\"")],
    first: Some("size"),
};

/// What may stand above a method besides its verb.
const OPTIONS: [&str; 6] = [
    "timeout",
    "retry",
    "no_retry",
    "idempotent",
    "max_response",
    "stream",
];

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
struct Above {
    verb: Option<(Verb, LitStr)>,
    options: Options,
    retry: Option<Span>,
    attrs: Vec<Attribute>,
    cfgs: Vec<Attribute>,
}

pub(super) fn read(written: TraitItemFn, errors: &mut Errors) -> Option<Method> {
    let name = written.sig.ident.clone();
    let above = Above::read(&written, errors);
    signature(&written, errors);
    let mut arguments = Vec::new();
    for input in &written.sig.inputs {
        if let FnArg::Typed(input) = input {
            arguments.extend(argument::read(input, errors));
        }
    }
    let (verb, path) = above.verb?;
    let pieces = errors.check(template::read(&path));
    let returns = errors.check(Returns::read(&written.sig.output, verb, &name));
    if let Some(pieces) = &pieces {
        let parameters: Vec<String> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Parameter(name) => Some(name.clone()),
                Piece::Text(_) => None,
            })
            .collect();
        argument::settle(&mut arguments, verb, &parameters, &path, errors);
    }
    let given = arguments
        .iter()
        .find(|argument| argument.place == Place::Options);
    if let Some(given) = given
        && above.options.any()
    {
        let message = format!(
            "`{}` says all of how the call is made: leave the attributes for it out, or the argument",
            given.name
        );
        errors.at(given.name.span(), message);
    }
    let has_key = arguments.iter().any(
        |argument| matches!(&argument.place, Place::Header(name, _) if name == "idempotency-key"),
    );
    if let Some(retry) = above.retry
        && !(verb.is_idempotent() || above.options.idempotent || has_key)
    {
        let message = format!(
            "a {} may be processed twice when it is sent again: mark the method `#[idempotent]` if that does no harm, \
             give it an argument `#[header(\"idempotency-key\")] key: &str`, or leave `#[retry]` out",
            verb.upper()
        );
        errors.at(retry, message);
    }
    Some(Method {
        attrs: above.attrs,
        cfgs: above.cfgs,
        name,
        verb,
        pieces: pieces?,
        arguments,
        options: above.options,
        returns: returns?,
    })
}

impl Above {
    fn read(written: &TraitItemFn, errors: &mut Errors) -> Self {
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
                above.option(attr, &name, errors);
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

    fn option(&mut self, attr: &Attribute, name: &str, errors: &mut Errors) {
        let options = &mut self.options;
        match name {
            "timeout" => {
                let args = Args::of(&TIMEOUT, attr, errors);
                needs(&args, attr, "timeout(\"500ms\")", errors);
                options.timeout = args.read("total", errors, literal::span);
                options.attempt_timeout = args.read("attempt", errors, literal::span);
            }
            "max_response" => {
                let args = Args::of(&MAX_RESPONSE, attr, errors);
                needs(&args, attr, "max_response(\"64KiB\")", errors);
                options.max_response = args.read("size", errors, literal::size);
            }
            "retry" => {
                let args = Args::of(&RETRY, attr, errors);
                needs(&args, attr, "retry(max = 2)", errors);
                if options.max_retries.is_some() {
                    errors.at(
                        attr.span(),
                        "`#[retry]` and `#[no_retry]` contradict each other: leave one out",
                    );
                }
                options.max_retries = args.read("max", errors, literal::count(1..=100));
                self.retry = Some(attr.span());
            }
            "no_retry" => {
                flag(attr, errors);
                if options.max_retries.is_some() {
                    errors.at(
                        attr.span(),
                        "`#[retry]` and `#[no_retry]` contradict each other: leave one out",
                    );
                }
                options.max_retries = Some(Value::Literal(0, attr.span()));
            }
            "idempotent" => {
                flag(attr, errors);
                options.idempotent = true;
            }
            _ => {
                flag(attr, errors);
                options.stream = true;
            }
        }
    }
}

fn is_verb(attr: &Attribute) -> bool {
    let name = attr.path().get_ident().map(ToString::to_string);
    Verb::ALL
        .into_iter()
        .any(|verb| name.as_deref() == Some(verb.as_str()))
}

fn needs(args: &Args, attr: &Attribute, example: &str, errors: &mut Errors) {
    if args.is_empty() && matches!(attr.meta, Meta::Path(_)) {
        errors.at(attr.span(), format!("how much? Write `#[{example}]`"));
    }
}

fn flag(attr: &Attribute, errors: &mut Errors) {
    if !matches!(attr.meta, Meta::Path(_)) {
        let message = "this mark takes no arguments: leave out what stands behind its name";
        errors.at(attr.span(), message);
    }
}

fn signature(written: &TraitItemFn, errors: &mut Errors) {
    let sig = &written.sig;
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        let message = format!("a call takes time: write `async fn {name}`");
        errors.at(sig.fn_token.span(), message);
    }
    match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            let shared = matches!(receiver.kind, ReceiverKind::Reference(_, _, None));
            if !shared {
                let message = "a client is shared by all requests: write `&self`";
                errors.at(receiver.span(), message);
            }
        }
        _ => {
            let message =
                format!("a call is made by a client: write `async fn {name}(&self, ...)`");
            errors.at(name.span(), message);
        }
    }
    if !sig.generics.params.is_empty() {
        let message = format!(
            "`{name}` is generic, and a trait object or a mock has no such method: name the types, and leave lifetimes to elision"
        );
        errors.at(sig.generics.params.span(), message);
    }
    for input in &sig.inputs {
        if let FnArg::Typed(input) = input
            && let syn::Type::ImplTrait(ty) = &*input.ty
        {
            let message = "an argument of a call has one type: name it, as in `name: &str`";
            errors.at(ty.span(), message);
        }
    }
    if let Some(body) = &written.default {
        let message = format!("the body of `{name}` is generated: write `;` in its place");
        errors.at(body.span(), message);
    }
}

impl Options {
    fn any(&self) -> bool {
        self.timeout.is_some()
            || self.attempt_timeout.is_some()
            || self.max_response.is_some()
            || self.max_retries.is_some()
            || self.idempotent
            || self.stream
    }

    /// `CallOptions::new().timeout(..)`, or nothing.
    pub(super) fn tokens(&self, msa: &TokenStream) -> Option<TokenStream> {
        let mut calls = Vec::new();
        if let Some(value) = self.timeout.as_ref().map(literal::as_duration) {
            calls.push(quote!(.timeout(#value)));
        }
        if let Some(value) = self.attempt_timeout.as_ref().map(literal::as_duration) {
            calls.push(quote!(.attempt_timeout(#value)));
        }
        if let Some(value) = &self.max_response {
            let value = literal::size_tokens(msa, value);
            calls.push(quote!(.max_response(#value)));
        }
        if let Some(value) = &self.max_retries {
            let value = literal::count_tokens(value);
            calls.push(quote!(.max_retries(#value)));
        }
        if self.idempotent {
            calls.push(quote!(.idempotent(true)));
        }
        if self.stream {
            calls.push(quote!(.stream()));
        }
        (!calls.is_empty()).then(|| quote!(#msa::client::CallOptions::new() #(#calls)*))
    }
}
