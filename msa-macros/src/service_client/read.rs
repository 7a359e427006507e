//! Reading the trait.

use proc_macro2::TokenStream;
use syn::spanned::Spanned as _;
use syn::{Item, ItemTrait, TraitItem, TypeParamBound};

use super::{Api, method};
use crate::args::Errors;

/// The trait, or what is wrong with it is noted.
pub(super) fn api(item: TokenStream, msa: TokenStream, errors: &mut Errors) -> Option<Api> {
    let written = match errors.check(syn::parse2::<Item>(item))? {
        Item::Trait(written) => written,
        other => {
            let message = "`#[service_client]` stands on a trait, whose methods are the calls: write `trait UserApi { ... }`";
            errors.at(other.span(), message);
            return None;
        }
    };
    shape(&written, errors);
    let mut methods = Vec::new();
    for item in written.items {
        let (span, what) = match item {
            TraitItem::Fn(function) => {
                methods.extend(method::read(function, errors));
                continue;
            }
            TraitItem::Type(item) => (item.span(), "an associated type"),
            TraitItem::Const(item) => (item.span(), "an associated constant"),
            other => (other.span(), "this"),
        };
        let message =
            format!("a client has calls only, which {what} is not: move it out of the trait");
        errors.at(span, message);
    }
    Some(Api {
        msa,
        service: String::new(),
        base: String::new(),
        vis: written.vis,
        name: written.ident,
        attrs: written.attrs,
        methods,
    })
}

fn shape(written: &ItemTrait, errors: &mut Errors) {
    let name = &written.ident;
    if let Some(token) = &written.unsafety {
        errors.at(
            token.span(),
            "nothing about a client is unsafe: leave `unsafe` out",
        );
    }
    if !written.generics.params.is_empty() {
        let message =
            format!("`{name}` is generic, and a client is of one service: name the types");
        errors.at(written.generics.params.span(), message);
    }
    for bound in &written.supertraits {
        if !is_given(bound) {
            let message = format!(
                "`{name}` needs nothing else of its implementors, which are generated: leave this out (`Send` and `Sync` it has)"
            );
            errors.at(bound.span(), message);
        }
    }
}

fn is_given(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Send" || last.ident == "Sync"),
        _ => false,
    }
}
