//! What the attribute was told.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{Expr, LitStr, ReturnType};

use super::native;
use crate::args::{Args, Errors, Grammar, Known};
use crate::literal::{self, Value};

pub(super) static GRAMMAR: Grammar = Grammar {
    attribute: "handler",
    known: &[
        Known::new("timeout", "\"500ms\""),
        Known::new("criticality", "\"sheddable\""),
        Known::new("scope", "\"orders:write\""),
        Known::new("name", "\"orders::place\""),
    ],
    first: None,
};

const CRITICALITIES: [&str; 4] = ["critical", "default", "sheddable", "background"];

/// What the attribute was told.
#[derive(Default)]
pub(super) struct Settings {
    timeout: Option<Value<std::time::Duration>>,
    criticality: Option<(&'static str, Span)>,
    pub(super) scope: Option<LitStr>,
    name: Option<LitStr>,
}

impl Settings {
    pub(super) fn read(args: &Args, errors: &mut Errors) -> Self {
        Self {
            timeout: args.read("timeout", errors, literal::span),
            criticality: args.read("criticality", errors, literal::word(&CRITICALITIES)),
            scope: args.read("scope", errors, scopes),
            name: args.read("name", errors, literal::text),
        }
    }

    /// Whether a function that returns this can stay as it is written, but for what it does first.
    pub(super) fn stays(&self, output: &ReturnType) -> bool {
        let is_refusable = self.scope.is_none() || native::fails_with_problem(output);
        self.timeout.is_none()
            && self.criticality.is_none()
            && is_refusable
            && native::is_answer(output)
    }

    pub(super) fn name_of(&self, function: &Ident) -> TokenStream {
        match &self.name {
            Some(name) => name.to_token_stream(),
            None => {
                let tail = format!("::{}", function.unraw());
                quote!(::core::concat!(::core::module_path!(), #tail))
            }
        }
    }

    /// `Handler::new("orders::place").timeout(..)`
    pub(super) fn tokens(&self, msa: &TokenStream, function: &Ident) -> TokenStream {
        let name = self.name_of(function);
        let timeout = self.timeout.as_ref().map(|timeout| {
            let timeout = literal::as_duration(timeout);
            quote!(.timeout(#timeout))
        });
        let criticality = self.criticality.map(|(word, span)| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            let variant: String = first.into_iter().chain(letters).collect();
            let variant = Ident::new(&variant, span);
            quote!(.criticality(#msa::txn::Criticality::#variant))
        });
        quote!(#msa::server::handler::Handler::new(#name) #timeout #criticality)
    }
}

/// One scope, or several with blanks between them, of the characters that RFC 6749 allows.
fn scopes(value: &Expr, known: &Known) -> syn::Result<LitStr> {
    let text = literal::text(value, known)?;
    let is_allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~' | ' ');
    match text.value().chars().find(|c| !is_allowed(*c)) {
        Some(wrong) => Err(syn::Error::new(
            text.span(),
            format!(
                "{wrong:?} is in no scope (RFC 6749): write `scope = \"orders:write\"`, several with a blank between them"
            ),
        )),
        None => Ok(text),
    }
}
