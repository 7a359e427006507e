//! The arguments of a handler: extractors, of which the last may read the request's body.

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::{FnArg, GenericArgument, PatType, PathArguments, PathSegment, Signature, Type};

use super::binding;
use crate::args::Errors;

/// What axum implements its handlers for.
const MOST: usize = 16;

/// The extractors that read the body, of axum, axum-extra and msa.
const OF_BODY: [&str; 10] = [
    "Json",
    "Form",
    "Bytes",
    "String",
    "Request",
    "Multipart",
    "RawForm",
    "Body",
    "Protobuf",
    "JsonLines",
];

pub(super) fn check(sig: &Signature, needs_scope: bool, errors: &mut Errors) {
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        let message =
            "a handler has no `self`: take what it works with by `State(app): State<App>`";
        errors.at(receiver.span(), message);
    }
    // Who asks is an argument of its own.
    let most = MOST - usize::from(needs_scope);
    if sig.inputs.len() > most {
        let message = format!(
            "axum takes at most {most} arguments: put some into one struct with `#[derive(FromRequestParts)]`"
        );
        errors.at(sig.inputs.span(), message);
    }
    let arguments: Vec<&PatType> = sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(input) => Some(input),
            FnArg::Receiver(_) => None,
        })
        .collect();
    for argument in &arguments {
        if let Type::Reference(reference) = &*argument.ty {
            let inner = &reference.elem;
            let owned = match &**inner {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                other => plain(other),
            };
            let message =
                format!("a handler owns its arguments: write `{owned}` in place of the reference");
            errors.at(argument.ty.span(), message);
        }
    }
    let Some((last, before)) = arguments.split_last() else {
        return;
    };
    for argument in before {
        let Some(name) = of_body(&argument.ty) else {
            continue;
        };
        let message = match of_body(&last.ty) {
            Some(other) => format!(
                "`{name}` and `{other}` both read the request's body, which is there once: keep one of them"
            ),
            None => format!(
                "`{name}` reads the request's body, so it has to be the last argument: move `{}` behind `{}`",
                plain(argument),
                plain(last)
            ),
        };
        errors.at(argument.span(), message);
    }
}

/// The extractor's name, when it reads the body.
fn of_body(ty: &Type) -> Option<String> {
    let segment = last_segment(ty)?;
    if segment.ident == "Option" || segment.ident == "Result" {
        return of_body(first_type(segment)?);
    }
    let found = OF_BODY.iter().find(|name| segment.ident == name)?;
    Some((*found).to_owned())
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

fn first_type(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// Tokens as one would write them, near enough for a message.
fn plain(tokens: &impl quote::ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    text.replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" <", "<")
        .replace("< ", "<")
        .replace(" : ", ": ")
        .replace(" ,", ",")
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
}

/// What the arguments are called outside of the body: by the names that their patterns give, where those are of use.
pub(super) fn arguments(sig: &Signature) -> Vec<Ident> {
    let names: Vec<Option<&Ident>> = sig
        .inputs
        .iter()
        .map(|input| match input {
            FnArg::Typed(input) => binding(&input.pat),
            FnArg::Receiver(_) => None,
        })
        .collect();
    let usable = |name: &Ident| {
        let alike = names
            .iter()
            .flatten()
            .filter(|other| **other == name)
            .count()
            == 1;
        alike && *name != sig.ident && !name.to_string().starts_with('_')
    };
    let named = names.iter().enumerate().map(|(place, name)| match name {
        Some(name) if usable(name) => (*name).clone(),
        _ => format_ident!("argument_{}", place + 1, span = Span::call_site()),
    });
    named.collect()
}
