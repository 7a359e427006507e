//! `#[retry]`

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Expr;

use super::{NAME, Part, set, set_dark};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Retry {
    max: Option<Value<u64>>,
    backoff: Option<Value<Duration>>,
    max_backoff: Option<Value<Duration>>,
    kind: Option<(&'static str, Span)>,
    within: Option<Value<Duration>>,
    budget: Option<Value<u32>>,
    dark: bool,
    pub(crate) when: Option<Expr>,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "retry",
    known: &[
        Known::new("max", "3"),
        Known::new("backoff", "\"25ms\""),
        Known::new("max_backoff", "\"1s\""),
        Known::new("kind", "\"full-jitter\""),
        Known::new("within", "\"2s\""),
        Known::new("budget", "\"20%\""),
        Known::new("when", "is_transient"),
        Known::flag("dark"),
        NAME,
    ],
    first: Some("max"),
};

/// The configuration's words, and the variants of `BackoffKind`.
const KINDS: [(&str, &str); 5] = [
    ("full-jitter", "FullJitter"),
    ("equal-jitter", "EqualJitter"),
    ("decorrelated", "Decorrelated"),
    ("exponential", "Exponential"),
    ("fixed", "Fixed"),
];

impl Part for Retry {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        const WORDS: &[&str] = &[KINDS[0].0, KINDS[1].0, KINDS[2].0, KINDS[3].0, KINDS[4].0];
        let retry = Self {
            max: args.read("max", errors, literal::count(1..=100)),
            backoff: args.read("backoff", errors, literal::span),
            max_backoff: args.read("max_backoff", errors, literal::span),
            kind: args.read("kind", errors, literal::word(WORDS)),
            within: args.read("within", errors, literal::span),
            budget: args.read("budget", errors, literal::some_percent),
            dark: args.read("dark", errors, literal::truth) == Some(true),
            when: args.read("when", errors, literal::function),
        };
        if let (Some(first), Some(longest)) = (&retry.backoff, &retry.max_backoff)
            && let (Some(base), Some(max)) = (first.known(), longest.known())
            && base > max
        {
            errors.at(
                longest.span(),
                "`max_backoff` is shorter than `backoff`, the first wait: make it longer",
            );
        }
        Some(retry)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let span = |value: &Option<_>| value.as_ref().map(|time| literal::span_tokens(msa, time));
        let lines = [
            set(
                quote!(retry.max_retries),
                self.max.as_ref().map(literal::count_tokens),
            ),
            set(quote!(retry.backoff.base), span(&self.backoff)),
            set(quote!(retry.backoff.max), span(&self.max_backoff)),
            set(
                quote!(retry.backoff.kind),
                self.kind.map(|(word, at)| {
                    let variant = KINDS.iter().find(|(name, _)| *name == word);
                    let variant = variant.map_or("FullJitter", |(_, variant)| variant);
                    let variant = Ident::new(variant, at);
                    quote!(#msa::config::BackoffKind::#variant)
                }),
            ),
            set(
                quote!(retry.max_duration),
                span(&self.within).map(|time| quote!(::core::option::Option::Some(#time))),
            ),
            set(
                quote!(retry.budget.ratio),
                (self.budget.as_ref()).map(|share| literal::percent_tokens(msa, share)),
            ),
            set_dark(quote!(retry), self.dark),
        ];
        let lines: TokenStream = lines.into_iter().collect();
        if lines.is_empty() {
            return quote! {
                settings.retry.get_or_insert_with(#msa::config::RetrySettings::of_function);
            };
        }
        quote! {
            let retry = settings.retry.get_or_insert_with(#msa::config::RetrySettings::of_function);
            #lines
        }
    }
}
