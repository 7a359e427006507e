//! `#[timeout]`

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

use super::{NAME, Part, set};
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(crate) struct Timeout {
    total: Option<Value<Duration>>,
    attempt: Option<Value<Duration>>,
}

static GRAMMAR: Grammar = Grammar {
    attribute: "timeout",
    known: &[
        Known::new("total", "\"300ms\""),
        Known::new("attempt", "\"100ms\""),
        NAME,
    ],
    first: Some("total"),
};

impl Part for Timeout {
    const GRAMMAR: &'static Grammar = &GRAMMAR;

    fn read(args: &Args, errors: &mut Errors) -> Option<Self> {
        let timeout = Self {
            total: args.read("total", errors, literal::span),
            attempt: args.read("attempt", errors, literal::span),
        };
        if !args.has("total") && !args.has("attempt") && errors.is_empty() {
            errors.at(
                args.at(),
                "`#[timeout]` needs a time: write `#[timeout(\"300ms\")]`, or `#[timeout(attempt = \"100ms\")]`",
            );
        }
        if let (Some(total), Some(attempt)) = (&timeout.total, &timeout.attempt)
            && let (Some(whole), Some(part)) = (total.known(), attempt.known())
            && part >= whole
        {
            errors.at(
                attempt.span(),
                "one attempt may take as long as all of them: make `attempt` shorter than `total`, or leave it out",
            );
        }
        Some(timeout)
    }

    fn settings(&self, msa: &TokenStream) -> TokenStream {
        let span = |value: &Option<_>| {
            let value = value.as_ref().map(|time| literal::span_tokens(msa, time));
            value.map(|time| quote!(::core::option::Option::Some(#time)))
        };
        let total = set(quote!(settings.timeout), span(&self.total));
        let attempt = set(quote!(settings.attempt_timeout), span(&self.attempt));
        quote!(#total #attempt)
    }
}
