//! `#[circuit_breaker]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;

use super::{NAME, Part, set, set_dark};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct CircuitBreaker {
    failure_rate: Option<Value<u32>>,
    min_calls: Option<Value<u64>>,
    window: Option<Value<Duration>>,
    consecutive: Option<Value<u64>>,
    slow_after: Option<Value<Duration>>,
    slow_rate: Option<Value<u32>>,
    open: Option<Value<Duration>>,
    max_open: Option<Value<Duration>>,
    trials: Option<Value<u64>>,
    dark: bool,
    pub(crate) failure: Option<Expr>,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "circuit_breaker",
    known: &[
        Known::new("failure_rate", "\"50%\""),
        Known::new("min_calls", "20"),
        Known::new("window", "\"10s\""),
        Known::new("consecutive", "5"),
        Known::new("slow_after", "\"1s\""),
        Known::new("slow_rate", "\"80%\""),
        Known::new("open", "\"5s\""),
        Known::new("max_open", "\"60s\""),
        Known::new("trials", "3"),
        Known::new("failure", "is_outage"),
        Known::flag("dark"),
        NAME,
    ],
    first: None,
};

impl Part for CircuitBreaker {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        let breaker = Self {
            failure_rate: args.read("failure_rate", errors, literal::some_percent),
            min_calls: args.read("min_calls", errors, literal::count(1..=1_000_000)),
            window: args.read("window", errors, literal::span),
            consecutive: args.read("consecutive", errors, literal::count(1..=65_535)),
            slow_after: args.read("slow_after", errors, literal::span),
            slow_rate: args.read("slow_rate", errors, literal::some_percent),
            open: args.read("open", errors, literal::span),
            max_open: args.read("max_open", errors, literal::span),
            trials: args.read("trials", errors, literal::count(1..=1000)),
            dark: args.read("dark", errors, literal::truth) == Some(true),
            failure: args.read("failure", errors, literal::function),
        };
        if let (Some(first), Some(longest)) = (&breaker.open, &breaker.max_open)
            && let (Some(open), Some(max)) = (first.known(), longest.known())
            && open > max
        {
            errors.at(
                longest.span(),
                "`max_open` is shorter than `open`, the first time: make it longer",
            );
        }
        if let (Some(at), false) = (args.span_of("slow_rate"), args.has("slow_after")) {
            errors.at(
                at,
                "`slow_rate` is the share of slow calls: say what is slow too, `slow_after = \"1s\"`",
            );
        }
        Some(breaker)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let span = |value: &Option<_>| value.as_ref().map(|time| literal::span_tokens(msa, time));
        let share =
            |value: &Option<_>| (value.as_ref()).map(|share| literal::percent_tokens(msa, share));
        let count = |value: &Option<_>| value.as_ref().map(literal::count_tokens);
        let trials = count(&self.trials);
        let lines = [
            set(quote!(breaker.failure_rate), share(&self.failure_rate)),
            set(quote!(breaker.min_calls), count(&self.min_calls)),
            set(quote!(breaker.window), span(&self.window)),
            set(
                quote!(breaker.consecutive_failures),
                count(&self.consecutive),
            ),
            set(quote!(breaker.slow_after), span(&self.slow_after)),
            set(quote!(breaker.slow_rate), share(&self.slow_rate)),
            set(quote!(breaker.open), span(&self.open)),
            set(quote!(breaker.max_open), span(&self.max_open)),
            set(quote!(breaker.trials), trials.clone()),
            set(quote!(breaker.trials_at_once), trials),
            set_dark(quote!(breaker), self.dark),
        ];
        let lines: TokenStream = lines.into_iter().collect();
        if lines.is_empty() {
            return quote!(settings.breaker.get_or_insert_default(););
        }
        quote! {
            let breaker = settings.breaker.get_or_insert_default();
            #lines
        }
    }
}
