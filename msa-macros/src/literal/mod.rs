//! The values of arguments: times, shares, sizes, rates, numbers and paths, checked while compiling and told as they would be written.
//!
//! The grammar of each is that of the configuration (`msa_core::config`), so that a value can be copied from one to the other.

mod amount;
mod time;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, UnOp};

use crate::args::{Known, nearest};

pub(crate) use amount::{
    count, count_tokens, percent_tokens, rate, rate_tokens, size, size_tokens, some_percent,
};
pub(crate) use time::{as_duration, span, span_tokens};

/// A value that is known now, or the path of a constant that the compiler knows.
#[derive(Clone)]
pub(crate) enum Value<T> {
    Literal(T, Span),
    Path(Expr),
}

impl<T> Value<T> {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Literal(_, span) => *span,
            Self::Path(path) => path.span(),
        }
    }

    /// What it is, if that is known now.
    pub(crate) fn known(&self) -> Option<&T> {
        match self {
            Self::Literal(value, _) => Some(value),
            Self::Path(_) => None,
        }
    }

    fn written(&self, literal: impl FnOnce(&T, Span) -> TokenStream) -> TokenStream {
        match self {
            Self::Literal(value, span) => literal(value, *span),
            Self::Path(path) => path.to_token_stream(),
        }
    }
}

/// A literal without the parentheses or invisible groups that a `macro_rules` puts around it.
fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => bare(&group.expr),
        Expr::Paren(paren) => bare(&paren.expr),
        value => value,
    }
}

fn lit(value: &Expr) -> Option<&Lit> {
    match bare(value) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn is_negative(value: &Expr) -> bool {
    matches!(bare(value), Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)))
}

/// `name` needs `what`: write `name = example`.
fn needs(value: &Expr, known: &Known, what: &str) -> syn::Error {
    let (name, written) = (known.name, known.written());
    syn::Error::new(
        value.span(),
        format!("`{name}` needs {what}: write `{written}`"),
    )
}

fn path<T>(value: &Expr, known: &Known, what: &str) -> syn::Result<Value<T>> {
    match bare(value) {
        path @ Expr::Path(_) => Ok(Value::Path(path.clone())),
        _ => Err(needs(value, known, what)),
    }
}

/// `true` or `false`, or a flag's bare name.
pub(crate) fn truth(value: &Expr, known: &Known) -> syn::Result<bool> {
    match lit(value) {
        Some(Lit::Bool(truth)) => Ok(truth.value),
        _ => Err(needs(value, known, "`true` or `false`")),
    }
}

/// A text that is not empty.
pub(crate) fn text(value: &Expr, known: &Known) -> syn::Result<syn::LitStr> {
    match lit(value) {
        Some(Lit::Str(text)) if !text.value().trim().is_empty() => Ok(text.clone()),
        _ => Err(needs(value, known, "a text")),
    }
}

/// One of several words, as text.
#[allow(dead_code)] // for attributes whose arguments are words
pub(crate) fn word(
    words: &'static [&'static str],
) -> impl FnOnce(&Expr, &Known) -> syn::Result<(&'static str, Span)> {
    move |value, known| {
        let Some(Lit::Str(text)) = lit(value) else {
            return Err(needs(value, known, "a word in quotes"));
        };
        let given = text.value();
        if let Some(word) = words.iter().find(|word| **word == given) {
            return Ok((*word, text.span()));
        }
        let name = known.name;
        let message = match nearest(&given, words.iter().copied()) {
            Some(word) => format!("`{name}` is never `{given}`: did you mean `{word}`?"),
            None => format!(
                "`{name}` is never `{given}`: it is one of {}",
                words.join(", ")
            ),
        };
        Err(syn::Error::new(text.span(), message))
    }
}

/// A function: its path, or a closure.
pub(crate) fn function(value: &Expr, known: &Known) -> syn::Result<Expr> {
    match bare(value) {
        function @ (Expr::Path(_) | Expr::Closure(_)) => Ok(function.clone()),
        _ => Err(needs(value, known, "a function")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_none_is_told_the_nearest() {
        let known = Known::new("criticality", "\"default\"");
        let value = syn::parse_str("\"shedable\"").unwrap();
        let error = word(&["critical", "default", "sheddable"])(&value, &known);
        let expected = "`criticality` is never `shedable`: did you mean `sheddable`?";
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
