//! Times: `"250ms"`, `"1m 30s"`.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Lit};

use super::{Value, lit, needs, path};
use crate::args::Known;
use crate::krate;

/// A time above zero: `"250ms"`, `"1m 30s"`.
pub(crate) fn span(value: &Expr, known: &Known) -> syn::Result<Value<Duration>> {
    let read = span_or_zero(value, known)?;
    if let Value::Literal(Duration::ZERO, span) = read {
        let (name, written) = (known.name, known.written());
        let message = format!("`{name}` of no time at all: write more, such as `{written}`");
        return Err(syn::Error::new(span, message));
    }
    Ok(read)
}

/// A time, zero too: `"250ms"`, `"0s"`.
fn span_or_zero(value: &Expr, known: &Known) -> syn::Result<Value<Duration>> {
    const WHAT: &str = "a time with its unit";
    /// As `msa_core::config::Span`.
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    match lit(value) {
        Some(Lit::Str(text)) => match humantime::parse_duration(text.value().trim()) {
            Ok(time) if time <= LONGEST => Ok(Value::Literal(time, text.span())),
            _ => Err(needs(value, known, WHAT)),
        },
        _ => path(value, known, WHAT),
    }
}

/// The time as `Span`, of a `Span` or `Duration` that a path names too.
pub(crate) fn span_tokens(msa: &TokenStream, value: &Value<Duration>) -> TokenStream {
    match value {
        Value::Literal(time, at) => {
            let (secs, nanos) = (time.as_secs(), time.subsec_nanos());
            if nanos == 0 {
                let secs = proc_macro2::Literal::u64_unsuffixed(secs);
                quote_spanned!(*at=> #msa::config::Span::secs(#secs))
            } else if nanos % 1_000_000 == 0 {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                let millis = proc_macro2::Literal::u64_unsuffixed(millis);
                quote_spanned!(*at=> #msa::config::Span::millis(#millis))
            } else {
                let time = duration_tokens(*time);
                quote_spanned!(*at=> #msa::config::Span::new(#time))
            }
        }
        Value::Path(path) => {
            let at = path.span().resolved_at(Span::mixed_site());
            let msa = krate::at(msa, at);
            quote_spanned!(at=> #msa::config::Span::from(#path))
        }
    }
}

/// The time as `Duration`, which a path has to name.
pub(crate) fn as_duration(value: &Value<Duration>) -> TokenStream {
    value.written(|time, at| {
        let (secs, nanos) = (time.as_secs(), time.subsec_nanos());
        if nanos == 0 {
            let secs = proc_macro2::Literal::u64_unsuffixed(secs);
            quote_spanned!(at=> ::core::time::Duration::from_secs(#secs))
        } else if nanos % 1_000_000 == 0 {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let millis = proc_macro2::Literal::u64_unsuffixed(millis);
            quote_spanned!(at=> ::core::time::Duration::from_millis(#millis))
        } else {
            duration_tokens(*time)
        }
    })
}

pub(super) fn duration_tokens(time: Duration) -> TokenStream {
    let secs = proc_macro2::Literal::u64_unsuffixed(time.as_secs());
    let nanos = proc_macro2::Literal::u32_unsuffixed(time.subsec_nanos());
    quote!(::core::time::Duration::new(#secs, #nanos))
}
