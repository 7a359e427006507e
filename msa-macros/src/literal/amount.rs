//! Amounts: shares, sizes, rates and whole numbers.

use std::ops::RangeInclusive;
use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Lit};

use super::time::duration_tokens;
use super::{Value, is_negative, lit, needs, path};
use crate::args::Known;

/// A share: `"20%"`, `"0.5%"`, `0.2`; in millionths.
fn percent(value: &Expr, known: &Known) -> syn::Result<Value<u32>> {
    const WHAT: &str = "a percentage";
    let number = match lit(value) {
        Some(Lit::Str(text)) => {
            let text = text.value();
            let text = text.trim();
            let (number, scale) = match text.strip_suffix('%') {
                Some(percent) => (percent.trim_end(), 100.0),
                None => (text, 1.0),
            };
            let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let number = number.parse::<f64>().ok().filter(|_| plain);
            number.map(|number| number / scale)
        }
        Some(Lit::Float(float)) if float.suffix().is_empty() => float.base10_parse::<f64>().ok(),
        _ if is_negative(value) => None,
        _ => return path(value, known, WHAT),
    };
    match number {
        Some(fraction) if fraction > 1.0 => {
            let (name, written) = (known.name, known.written());
            Err(syn::Error::new(
                value.span(),
                format!("`{name}` is above 100%: write a share of the whole, such as `{written}`"),
            ))
        }
        // From 0 to 1, so it fits.
        Some(fraction) => Ok(Value::Literal(
            (fraction * 1e6).round() as u32,
            value.span(),
        )),
        None => Err(needs(value, known, WHAT)),
    }
}

/// A percentage above zero.
pub(crate) fn some_percent(value: &Expr, known: &Known) -> syn::Result<Value<u32>> {
    let read = percent(value, known)?;
    if let Value::Literal(0, span) = read {
        let (name, written) = (known.name, known.written());
        let message = format!("`{name}` of nothing: write more, such as `{written}`");
        return Err(syn::Error::new(span, message));
    }
    Ok(read)
}

/// A number of bytes above zero: `"64KiB"`.
#[allow(dead_code)] // for attributes whose arguments are sizes
pub(crate) fn size(value: &Expr, known: &Known) -> syn::Result<Value<u64>> {
    const WHAT: &str = "a size with its unit";
    let Some(Lit::Str(text)) = lit(value) else {
        return path(value, known, WHAT);
    };
    let written = text.value();
    let written = written.trim();
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = written.split_at(digits);
    let factor = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(needs(value, known, WHAT)),
    };
    let bytes = number.parse::<u64>().ok();
    match bytes.and_then(|bytes| bytes.checked_mul(factor)) {
        Some(bytes @ 1..) => Ok(Value::Literal(bytes, text.span())),
        _ => Err(needs(value, known, WHAT)),
    }
}

/// So many a time, more than none: `"100/s"`, `"5/10s"`.
pub(crate) fn rate(value: &Expr, known: &Known) -> syn::Result<Value<(u64, Duration)>> {
    const WHAT: &str = "a rate, so many a time";
    let Some(Lit::Str(text)) = lit(value) else {
        return path(value, known, WHAT);
    };
    let read = || {
        let written = text.value();
        let (amount, per) = written.split_once('/')?;
        let (amount, per) = (amount.trim(), per.trim());
        let per = if per.starts_with(|first: char| first.is_ascii_digit()) {
            humantime::parse_duration(per)
        } else {
            humantime::parse_duration(&format!("1{per}"))
        };
        let plain = amount.bytes().all(|byte| byte.is_ascii_digit());
        let per = per.ok().filter(|per| plain && !per.is_zero())?;
        Some((amount.parse::<u64>().ok()?, per))
    };
    match read() {
        Some((0, _)) => {
            let (name, written) = (known.name, known.written());
            let message = format!(
                "`{name}` of none would refuse every call: write more, such as `{written}`"
            );
            Err(syn::Error::new(text.span(), message))
        }
        Some(rate) => Ok(Value::Literal(rate, text.span())),
        None => Err(needs(value, known, WHAT)),
    }
}

/// A whole number within bounds.
pub(crate) fn count(
    range: RangeInclusive<u64>,
) -> impl FnOnce(&Expr, &Known) -> syn::Result<Value<u64>> {
    move |value, known| {
        let outside = || {
            let (name, written) = (known.name, known.written());
            let bounds = if *range.end() >= u64::from(u32::MAX) {
                format!("at least {}", range.start())
            } else {
                format!("from {} to {}", range.start(), range.end())
            };
            let message = format!("`{name}` is a number {bounds}: write `{written}`");
            syn::Error::new(value.span(), message)
        };
        match lit(value) {
            Some(Lit::Int(int)) if int.suffix().is_empty() => match int.base10_parse::<u64>() {
                Ok(number) if range.contains(&number) => Ok(Value::Literal(number, int.span())),
                _ => Err(outside()),
            },
            _ if is_negative(value) => Err(outside()),
            _ => path(value, known, "a whole number"),
        }
    }
}

/// The share as `Percent`.
pub(crate) fn percent_tokens(msa: &TokenStream, value: &Value<u32>) -> TokenStream {
    value.written(|millionths, at| {
        if millionths % 10_000 == 0 {
            let whole = proc_macro2::Literal::u32_unsuffixed(millionths / 10_000);
            quote_spanned!(at=> #msa::config::Percent::new(#whole))
        } else {
            let millionths = proc_macro2::Literal::u32_unsuffixed(*millionths);
            quote_spanned!(at=> #msa::config::Percent::from_millionths(#millionths).unwrap_or_default())
        }
    })
}

/// The number of bytes as `Size`.
#[allow(dead_code)] // for attributes whose arguments are sizes
pub(crate) fn size_tokens(msa: &TokenStream, value: &Value<u64>) -> TokenStream {
    value.written(|bytes, at| {
        let bytes = proc_macro2::Literal::u64_unsuffixed(*bytes);
        quote_spanned!(at=> #msa::config::Size::bytes(#bytes))
    })
}

/// The rate as `Option<Rate>`.
pub(crate) fn rate_tokens(msa: &TokenStream, value: &Value<(u64, Duration)>) -> TokenStream {
    match value {
        Value::Literal((amount, per), at) => {
            let amount = proc_macro2::Literal::u64_unsuffixed(*amount);
            let per = duration_tokens(*per);
            quote_spanned!(*at=> #msa::config::Rate::new(#amount, #per))
        }
        Value::Path(path) => quote_spanned!(path.span()=> ::core::option::Option::Some(#path)),
    }
}

/// The number as it is.
pub(crate) fn count_tokens(value: &Value<u64>) -> TokenStream {
    value.written(|number, at| {
        let mut number = proc_macro2::Literal::u64_unsuffixed(*number);
        number.set_span(at);
        quote!(#number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Known = Known::new("share", "\"20%\"");

    fn told<T>(read: syn::Result<T>) -> Result<T, String> {
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn shares_are_read_as_the_configuration_reads_them() {
        let read = |text: &str| {
            let value = syn::parse_str(text).unwrap();
            told(percent(&value, &SHARE)).map(|value| value.known().copied())
        };
        assert_eq!(read("\"50%\""), Ok(Some(500_000)));
        assert_eq!(read("\"0.1 %\""), Ok(Some(1_000)));
        assert_eq!(read("0.25"), Ok(Some(250_000)));
        assert_eq!(read("limits::SHARE"), Ok(None));
        let above = "`share` is above 100%: write a share of the whole, such as `share = \"20%\"`";
        assert_eq!(read("\"150%\""), Err(above.to_owned()));
        for wrong in ["50", "\"half\"", "-0.5", "\"inf%\"", "\"%\""] {
            let needs = "`share` needs a percentage: write `share = \"20%\"`";
            assert_eq!(read(wrong), Err(needs.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn sizes_and_rates_are_read_as_the_configuration_reads_them() {
        let known = Known::new("it", "\"...\"");
        let read = |text: &str| {
            let value = size(&syn::parse_str(text).unwrap(), &known);
            value.ok().and_then(|value| value.known().copied())
        };
        assert_eq!(read("\"64KiB\""), Some(65_536));
        assert_eq!(read("\"10 MB\""), Some(10_000_000));
        assert_eq!([read("\"0\""), read("64"), read("\"1XB\"")], [None; 3]);

        let read = |text: &str| {
            let value = rate(&syn::parse_str(text).unwrap(), &known);
            value.ok().and_then(|value| value.known().copied())
        };
        assert_eq!(read("\"100/s\""), Some((100, Duration::from_secs(1))));
        assert_eq!(read("\"5/10s\""), Some((5, Duration::from_secs(10))));
        assert_eq!(
            [read("\"0/s\""), read("\"5/0s\""), read("\"5\"")],
            [None; 3]
        );
    }
}
