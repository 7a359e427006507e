//! `#[rate_limit]`

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::{NAME, Part, set, set_dark};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct RateLimit {
    at: Span,
    rate: Option<Value<(u64, Duration)>>,
    burst: Option<Value<u64>>,
    max_wait: Option<Value<Duration>>,
    kind: Option<(&'static str, Span)>,
    dark: bool,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "rate_limit",
    known: &[
        Known::new("rate", "\"100/s\""),
        Known::new("burst", "10"),
        Known::new("max_wait", "\"50ms\""),
        Known::new("kind", "\"gcra\""),
        Known::flag("dark"),
        NAME,
    ],
    first: Some("rate"),
};

impl Part for RateLimit {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        if !args.has("rate") && errors.is_empty() {
            errors.at(
                args.at(),
                "`#[rate_limit]` needs a rate: write `#[rate_limit(\"100/s\")]`",
            );
        }
        Some(Self {
            at: args.at(),
            rate: args.read("rate", errors, literal::rate),
            burst: args.read("burst", errors, literal::count(1..=1_000_000)),
            max_wait: args.read("max_wait", errors, literal::span),
            kind: args.read("kind", errors, literal::word(&["gcra", "window"])),
            dark: args.read("dark", errors, literal::truth) == Some(true),
        })
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let rate = set(
            quote!(rate_limit.rate),
            (self.rate.as_ref()).map(|rate| literal::rate_tokens(msa, rate)),
        );
        let burst = set(
            quote!(rate_limit.burst),
            self.burst.as_ref().map(literal::count_tokens),
        );
        let wait = set(
            quote!(rate_limit.max_wait),
            (self.max_wait.as_ref()).map(|time| literal::span_tokens(msa, time)),
        );
        let kind = set(
            quote!(rate_limit.kind),
            self.kind.map(|(word, at)| {
                let variant = if word == "window" { "Window" } else { "Gcra" };
                let variant = Ident::new(variant, at);
                quote!(#msa::config::RateLimitKindName::#variant)
            }),
        );
        let dark = set_dark(quote!(rate_limit), self.dark);
        // Only with the feature `rate-limit` is there such a limit: without it the compiler says so at the attribute.
        let feature = quote_spanned!(self.at=> use #msa::resilience::rate_limit as _;);
        quote! {
            #feature
            let rate_limit = settings.rate_limit.get_or_insert_default();
            #rate #burst #wait #kind #dark
        }
    }
}
