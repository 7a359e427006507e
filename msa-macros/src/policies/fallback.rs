//! `#[fallback]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;

use super::{NAME, Part, set};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Fallback {
    stale: Option<Value<Duration>>,
    max_bytes: Option<Value<u64>>,
    pub(crate) with: Option<Expr>,
    pub(crate) value: Option<Expr>,
    pub(crate) key: Option<Expr>,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "fallback",
    known: &[
        Known::new("with", "last_known_stock"),
        Known::new("value", "0"),
        Known::new("stale", "\"5m\""),
        Known::new("key", "(sku, region)"),
        Known::new("max_bytes", "\"16MiB\""),
        NAME,
    ],
    first: None,
};

impl Fallback {
    /// Whether the last good answers stand in.
    pub(crate) fn keeps(&self) -> bool {
        self.stale.is_some()
    }
}

impl Part for Fallback {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        let path = |value: &Expr, known: &Known| match literal::function(value, known)? {
            path @ Expr::Path(_) => Ok(path),
            other => Err(syn::Error::new_spanned(
                other,
                "a fallback is a function's path: write `with = last_known_stock`",
            )),
        };
        let fallback = Self {
            stale: args.read("stale", errors, literal::span),
            max_bytes: args.read("max_bytes", errors, literal::size),
            with: args.read("with", errors, path),
            value: args.read("value", errors, |value, _| Ok(value.clone())),
            key: args.read("key", errors, |key, _| Ok(key.clone())),
        };
        if let (Some(at), true) = (args.span_of("value"), args.has("with")) {
            errors.at(
                at,
                "what stands in is either a value or what a function gives: leave `value` or `with` out",
            );
        }
        let given = ["with", "value", "stale"];
        if !given.iter().any(|name| args.has(name)) && errors.is_empty() {
            errors.at(
                args.at(),
                "`#[fallback]` needs what stands in: write `with = last_known_stock`, `value = 0` or `stale = \"5m\"`",
            );
        }
        for name in ["key", "max_bytes"] {
            if let (Some(at), false) = (args.span_of(name), args.has("stale")) {
                errors.at(
                    at,
                    format!("`{name}` is for answers that are kept: say how old they may be, `stale = \"5m\"`, or leave it out"),
                );
            }
        }
        Some(fallback)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let stale = (self.stale.as_ref()).map(|time| literal::span_tokens(msa, time));
        let stale = set(quote!(fallback.stale_for), stale);
        let bytes = (self.max_bytes.as_ref()).map(|size| literal::size_tokens(msa, size));
        let bytes = set(quote!(fallback.stale_bytes), bytes);
        if stale.is_empty() {
            return quote!(settings.fallback.get_or_insert_default(););
        }
        quote! {
            let fallback = settings.fallback.get_or_insert_default();
            #stale #bytes
        }
    }
}
