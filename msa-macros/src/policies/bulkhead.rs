//! `#[bulkhead]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

use super::{NAME, Part, set, set_dark};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Bulkhead {
    max: Option<Value<u64>>,
    queue: Option<Value<u64>>,
    max_wait: Option<Value<Duration>>,
    dark: bool,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "bulkhead",
    known: &[
        Known::new("max", "16"),
        Known::new("queue", "8"),
        Known::new("max_wait", "\"50ms\""),
        Known::flag("dark"),
        NAME,
    ],
    first: Some("max"),
};

impl Part for Bulkhead {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        let bulkhead = Self {
            max: args.read("max", errors, literal::count(1..=1_000_000)),
            queue: args.read("queue", errors, literal::count(1..=1_000_000)),
            max_wait: args.read("max_wait", errors, literal::span),
            dark: args.read("dark", errors, literal::truth) == Some(true),
        };
        if !args.has("max") && errors.is_empty() {
            errors.at(
                args.at(),
                "`#[bulkhead]` needs the number of calls that may run at a time: write `#[bulkhead(16)]`",
            );
        }
        if let (Some(at), false) = (args.span_of("max_wait"), args.has("queue")) {
            errors.at(
                at,
                "without a queue nobody waits: say how many may, `queue = 8`, or leave `max_wait` out",
            );
        }
        Some(bulkhead)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let count = |value: &Option<_>| value.as_ref().map(literal::count_tokens);
        let wait = (self.max_wait.as_ref()).map(|time| literal::span_tokens(msa, time));
        let max = set(quote!(bulkhead.max_concurrent), count(&self.max));
        let queue = set(quote!(bulkhead.max_queue), count(&self.queue));
        let wait = set(quote!(bulkhead.max_wait), wait);
        let dark = set_dark(quote!(bulkhead), self.dark);
        quote! {
            let bulkhead = settings.bulkhead.get_or_insert_default();
            #max #queue #wait #dark
        }
    }
}
