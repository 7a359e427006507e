//! `#[cached]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;

use super::{NAME, Part, set};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Cached {
    ttl: Option<Value<Duration>>,
    max_entries: Option<Value<u64>>,
    pub(crate) key: Option<Expr>,
    pub(crate) single_flight: bool,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "cached",
    known: &[
        Known::new("ttl", "\"30s\""),
        Known::new("key", "(sku, region)"),
        Known::new("max_entries", "1000"),
        Known {
            name: "single_flight",
            example: "false",
            flag: false,
        },
        NAME,
    ],
    first: Some("ttl"),
};

impl Part for Cached {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        if !args.has("ttl") && errors.is_empty() {
            errors.at(
                args.at(),
                "`#[cached]` needs the time for which an answer is given again: write `#[cached(ttl = \"30s\")]`",
            );
        }
        Some(Self {
            ttl: args.read("ttl", errors, literal::span),
            max_entries: args.read("max_entries", errors, literal::count(1..=100_000_000)),
            key: args.read("key", errors, |key, _| Ok(key.clone())),
            single_flight: args.read("single_flight", errors, literal::truth) != Some(false),
        })
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let ttl = (self.ttl.as_ref()).map(|time| literal::span_tokens(msa, time));
        let ttl = set(quote!(cached.ttl), ttl);
        let max = self.max_entries.as_ref().map(literal::count_tokens);
        let max = set(quote!(cached.max_entries), max);
        quote! {
            let cached = settings.cached.get_or_insert_default();
            #ttl #max
        }
    }
}
