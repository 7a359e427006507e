//! What the attributes expand to, kept beside what is written: `tests/expanded/<case>.rs` and `<case>.expanded.rs`.
//!
//! `MSA_UPDATE_EXPANDED=1 cargo test -p msa-macros --lib expanded` writes the expansions anew; read what changed as code that somebody
//! wrote.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, File, ImplItem, Item, Meta};

/// Expands one attribute as the compiler would: the arguments in its parentheses, and what stands below it.
fn expand(attribute: &Attribute, below: TokenStream) -> Option<TokenStream> {
    let name = attribute.path().segments.last()?.ident.to_string();
    let args = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    Some(match name.as_str() {
        "main" => crate::entry::expand(args, below),
        "handler" => crate::handler::expand(args, below),
        "service_client" => crate::service_client::expand(args, below),
        "cached" => crate::policies::expand("cached", args, below),
        "bulkhead" => crate::policies::expand("bulkhead", args, below),
        "circuit_breaker" => crate::policies::expand("circuit_breaker", args, below),
        "fallback" => crate::policies::expand("fallback", args, below),
        "hedge" => crate::policies::expand("hedge", args, below),
        "rate_limit" => crate::policies::expand("rate_limit", args, below),
        "retry" => crate::policies::expand("retry", args, below),
        "timeout" => crate::policies::expand("timeout", args, below),
        _ => return None,
    })
}

/// The first attribute of ours, taken out and expanded; `None` when there is none.
fn step(
    attributes: &[Attribute],
    without: impl FnOnce(Vec<Attribute>) -> TokenStream,
) -> Option<TokenStream> {
    let known = |attribute: &Attribute| {
        expand(
            attribute,
            quote!(
                fn x() {}
            ),
        )
        .is_some()
    };
    let place = attributes.iter().position(known)?;
    let mut rest = attributes.to_vec();
    let first = rest.remove(place);
    expand(&first, without(rest))
}

fn expand_item(item: Item) -> Vec<Item> {
    let expanded = match &item {
        Item::Fn(function) => step(&function.attrs, |attrs| {
            let mut function = function.clone();
            function.attrs = attrs;
            function.to_token_stream()
        }),
        Item::Trait(api) => step(&api.attrs, |attrs| {
            let mut api = api.clone();
            api.attrs = attrs;
            api.to_token_stream()
        }),
        Item::Impl(of) => {
            let mut of = of.clone();
            of.items = of.items.into_iter().flat_map(expand_method).collect();
            return vec![Item::Impl(of)];
        }
        _ => None,
    };
    let Some(expanded) = expanded else {
        return vec![item];
    };
    let file: File = syn::parse2(expanded).unwrap();
    file.items.into_iter().flat_map(expand_item).collect()
}

fn expand_method(item: ImplItem) -> Vec<ImplItem> {
    let ImplItem::Fn(method) = &item else {
        return vec![item];
    };
    let expanded = step(&method.attrs, |attrs| {
        let mut method = method.clone();
        method.attrs = attrs;
        method.to_token_stream()
    });
    match expanded {
        Some(expanded) => expand_method(syn::parse2(expanded).unwrap()),
        None => vec![item],
    }
}

#[track_caller]
fn check(case: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expanded");
    let written = fs::read_to_string(folder.join(format!("{case}.rs"))).unwrap();
    let mut file: File = syn::parse_str(&written).unwrap();
    file.items = file.items.into_iter().flat_map(expand_item).collect();
    let expanded = prettyplease::unparse(&file);
    let kept = folder.join(format!("{case}.expanded.rs"));
    if std::env::var_os("MSA_UPDATE_EXPANDED").is_some() {
        fs::write(&kept, &expanded).unwrap();
    }
    let kept = fs::read_to_string(kept).unwrap_or_default();
    assert_eq!(
        expanded, kept,
        "MSA_UPDATE_EXPANDED=1 writes it anew; read it as code that somebody wrote"
    );
}

#[test]
fn a_handler_stays_as_it_is_written_until_more_is_said_of_it() {
    check("handler");
}

#[test]
fn all_policies_of_a_function_are_one_call() {
    check("policies");
}

#[test]
fn a_service_client_is_a_trait_a_client_and_what_tests_need() {
    check("service_client");
}
