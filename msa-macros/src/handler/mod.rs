//! `#[handler]` on an axum handler: name, deadline, criticality, and errors as problem documents.
//!
//! A service has many handlers, and most say nothing but `#[handler]` and return what axum takes by itself: such a function stays as it is
//! written, with one line at its beginning, since each further future is compiled for each handler anew.

mod entered;
mod extractor;
mod native;
mod settings;
mod wrapped;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Attribute, GenericParam, Item, ItemFn, Pat, ReturnType, Safety, Type};

use crate::args::{Args, Errors};
use crate::krate;
use settings::{GRAMMAR, Settings};

/// The attributes that go around what the function does: they stand below this one, wherever they were written.
const POLICIES: [&str; 8] = [
    "retry",
    "circuit_breaker",
    "bulkhead",
    "rate_limit",
    "timeout",
    "fallback",
    "hedge",
    "cached",
];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    expanded(args, item).unwrap_or_else(syn::Error::into_compile_error)
}

fn expanded(tokens: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let args = Args::parse(&GRAMMAR, tokens.clone(), &mut errors);
    let settings = Settings::read(&args, &mut errors);
    let function = match syn::parse2::<Item>(item)? {
        Item::Fn(function) => function,
        other => {
            let message = "`#[handler]` stands on a function: write `async fn list(State(app): State<App>) -> Result<Json<Items>, Problem>`";
            return Err(syn::Error::new(other.span(), message));
        }
    };
    check(&function, &mut errors);
    extractor::check(&function.sig, settings.scope.is_some(), &mut errors);
    errors.finish()?;
    let msa = krate::msa_core();
    Ok(match below_policies(&msa, &function, &tokens) {
        Some(moved) => moved,
        None if settings.stays(&function.sig.output) => entered::entered(&msa, function, &settings),
        None => wrapped::wrapped(&msa, function, &settings),
    })
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        let message = format!("a handler is awaited: write `async fn {name}`");
        errors.at(sig.fn_token.span(), message);
    }
    if !matches!(sig.safety, Safety::Default)
        || sig.abi.is_some()
        || sig.constness.is_some()
        || sig.variadic.is_some()
    {
        errors.at(
            sig.span(),
            format!("axum calls a handler: write a plain `async fn {name}`"),
        );
    }
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            let message =
                "a handler owns its arguments, so no lifetime can be given to it: leave it out";
            errors.at(lifetime.span(), message);
        }
    }
    if let ReturnType::Type(_, output) = &sig.output
        && let Type::Reference(reference) = &**output
        && reference
            .lifetime
            .as_ref()
            .is_none_or(|lifetime| lifetime.ident != "static")
    {
        let message = "an answer outlives its handler: return an owned value, such as `String`";
        errors.at(output.span(), message);
    }
}

/// With policies on the function, everything once more with `#[handler]` as the last attribute: its time and its answer are around
/// them, whatever the order of writing.
fn below_policies(msa: &TokenStream, function: &ItemFn, args: &TokenStream) -> Option<TokenStream> {
    if !function.attrs.iter().any(is_policy) {
        return None;
    }
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    let args = (!args.is_empty()).then(|| quote!((#args)));
    Some(quote! {
        #(#attrs)*
        #[#msa::handler #args]
        #vis #sig #block
    })
}

fn is_policy(attr: &Attribute) -> bool {
    let segments = &attr.path().segments;
    let ours = segments.len() == 1
        || segments.first().is_some_and(|first| {
            let krate = krate::msa_core().into_iter().last();
            krate.is_some_and(|krate| first.ident == krate.to_string())
        });
    ours && segments
        .last()
        .is_some_and(|last| POLICIES.iter().any(|policy| last.ident == policy))
}

/// The one name that a pattern gives, such as `app` of `State(app)`.
fn binding(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(name) if name.subpat.is_none() => Some(&name.ident),
        Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => binding(tuple.elems.first()?),
        Pat::Paren(inner) => binding(&inner.pat),
        _ => None,
    }
}
