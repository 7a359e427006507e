//! One method of the trait: its verb, its path, its arguments and its options.

use proc_macro2::Ident;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, ReceiverKind, TraitItemFn};

use super::above::Above;
use super::argument::{self, Argument, Place};
use super::options::Options;
use super::returns::Returns;
use super::template::{self, Piece};
use super::verb::Verb;
use crate::args::Errors;

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
    if let Some(retry) = above.options.retry
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
