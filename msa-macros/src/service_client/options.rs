//! What is said above a method of how it is called.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Attribute, Meta};

use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

/// What a call asks for beyond the settings of its service.
#[derive(Default)]
pub(super) struct Options {
    timeout: Option<Value<std::time::Duration>>,
    attempt_timeout: Option<Value<std::time::Duration>>,
    max_response: Option<Value<u64>>,
    max_retries: Option<Value<u64>>,
    pub(super) idempotent: bool,
    stream: bool,
    /// Where `#[retry]` stands.
    pub(super) retry: Option<Span>,
}

static TIMEOUT: Grammar = Grammar {
    attribute: "timeout",
    known: &[
        Known::new("total", "\"500ms\""),
        Known::new("attempt", "\"200ms\""),
    ],
    first: Some("total"),
};
static RETRY: Grammar = Grammar {
    attribute: "retry",
    known: &[Known::new("max", "2")],
    first: Some("max"),
};
static MAX_RESPONSE: Grammar = Grammar {
    attribute: "max_response",
    known: &[Known::new("size", "\"64KiB\"")],
    first: Some("size"),
};

/// What may stand above a method besides its verb.
pub(super) const OPTIONS: [&str; 6] = [
    "timeout",
    "retry",
    "no_retry",
    "idempotent",
    "max_response",
    "stream",
];

impl Options {
    /// Takes in one more attribute, one of [`OPTIONS`].
    pub(super) fn take(&mut self, attr: &Attribute, name: &str, errors: &mut Errors) {
        match name {
            "timeout" => {
                let args = Args::of(&TIMEOUT, attr, errors);
                needs(&args, attr, "timeout(\"500ms\")", errors);
                self.timeout = args.read("total", errors, literal::span);
                self.attempt_timeout = args.read("attempt", errors, literal::span);
            }
            "max_response" => {
                let args = Args::of(&MAX_RESPONSE, attr, errors);
                needs(&args, attr, "max_response(\"64KiB\")", errors);
                self.max_response = args.read("size", errors, literal::size);
            }
            "retry" => {
                let args = Args::of(&RETRY, attr, errors);
                needs(&args, attr, "retry(max = 2)", errors);
                if self.max_retries.is_some() {
                    errors.at(
                        attr.span(),
                        "`#[retry]` and `#[no_retry]` contradict each other: leave one out",
                    );
                }
                self.max_retries = args.read("max", errors, literal::count(1..=100));
                self.retry = Some(attr.span());
            }
            "no_retry" => {
                flag(attr, errors);
                if self.max_retries.is_some() {
                    errors.at(
                        attr.span(),
                        "`#[retry]` and `#[no_retry]` contradict each other: leave one out",
                    );
                }
                self.max_retries = Some(Value::Literal(0, attr.span()));
            }
            "idempotent" => {
                flag(attr, errors);
                self.idempotent = true;
            }
            _ => {
                flag(attr, errors);
                self.stream = true;
            }
        }
    }

    pub(super) fn any(&self) -> bool {
        self.timeout.is_some()
            || self.attempt_timeout.is_some()
            || self.max_response.is_some()
            || self.max_retries.is_some()
            || self.idempotent
            || self.stream
    }

    /// `CallOptions::new().timeout(..)`, or nothing.
    pub(super) fn tokens(&self, msa: &TokenStream) -> Option<TokenStream> {
        let mut calls = Vec::new();
        if let Some(value) = self.timeout.as_ref().map(literal::as_duration) {
            calls.push(quote!(.timeout(#value)));
        }
        if let Some(value) = self.attempt_timeout.as_ref().map(literal::as_duration) {
            calls.push(quote!(.attempt_timeout(#value)));
        }
        if let Some(value) = &self.max_response {
            let value = literal::size_tokens(msa, value);
            calls.push(quote!(.max_response(#value)));
        }
        if let Some(value) = &self.max_retries {
            let value = literal::count_tokens(value);
            calls.push(quote!(.max_retries(#value)));
        }
        if self.idempotent {
            calls.push(quote!(.idempotent(true)));
        }
        if self.stream {
            calls.push(quote!(.stream()));
        }
        (!calls.is_empty()).then(|| quote!(#msa::client::CallOptions::new() #(#calls)*))
    }
}

fn needs(args: &Args, attr: &Attribute, example: &str, errors: &mut Errors) {
    if args.is_empty() && matches!(attr.meta, Meta::Path(_)) {
        errors.at(attr.span(), format!("how much? Write `#[{example}]`"));
    }
}

fn flag(attr: &Attribute, errors: &mut Errors) {
    if !matches!(attr.meta, Meta::Path(_)) {
        let message = "this mark takes no arguments: leave out what stands behind its name";
        errors.at(attr.span(), message);
    }
}
