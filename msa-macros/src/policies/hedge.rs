//! `#[hedge]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

use super::{NAME, Part, set, set_dark};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Hedge {
    after: Option<Value<Duration>>,
    percentile: Option<Value<u32>>,
    min_delay: Option<Value<Duration>>,
    max_extra: Option<Value<u64>>,
    budget: Option<Value<u32>>,
    dark: bool,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "hedge",
    known: &[
        Known::new("after", "\"50ms\""),
        Known::new("percentile", "\"95%\""),
        Known::new("min_delay", "\"1ms\""),
        Known::new("max_extra", "1"),
        Known::new("budget", "\"5%\""),
        Known::flag("dark"),
        NAME,
    ],
    first: Some("after"),
};

impl Part for Hedge {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        let hedge = Self {
            after: args.read("after", errors, literal::span),
            percentile: args.read("percentile", errors, literal::some_percent),
            min_delay: args.read("min_delay", errors, literal::span),
            max_extra: args.read("max_extra", errors, literal::count(1..=5)),
            budget: args.read("budget", errors, literal::some_percent),
            dark: args.read("dark", errors, literal::truth) == Some(true),
        };
        if let (Some(at), true) = (args.span_of("percentile"), args.has("after")) {
            errors.at(
                at,
                "the wait is either fixed, `after`, or learnt, `percentile`: leave one out",
            );
        }
        if let Some(share) = &hedge.percentile
            && let Some(millionths) = share.known()
            && !(500_000..=999_900).contains(millionths)
        {
            errors.at(
                share.span(),
                "`percentile` is from 50% to 99.99%: write `percentile = \"95%\"`",
            );
        }
        Some(hedge)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let span = |value: &Option<_>| value.as_ref().map(|time| literal::span_tokens(msa, time));
        let share =
            |value: &Option<_>| (value.as_ref()).map(|share| literal::percent_tokens(msa, share));
        let lines = [
            set(
                quote!(hedge.delay),
                span(&self.after).map(|time| quote!(::core::option::Option::Some(#time))),
            ),
            set(quote!(hedge.percentile), share(&self.percentile)),
            set(quote!(hedge.min_delay), span(&self.min_delay)),
            set(
                quote!(hedge.max_extra),
                self.max_extra.as_ref().map(literal::count_tokens),
            ),
            set(quote!(hedge.budget.ratio), share(&self.budget)),
            set_dark(quote!(hedge), self.dark),
        ];
        let lines: TokenStream = lines.into_iter().collect();
        quote! {
            let hedge = settings.hedge.get_or_insert_default();
            hedge.enabled = true;
            #lines
        }
    }
}
