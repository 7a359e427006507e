//! Whether one value fits: its type, its format, its range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use figment::value::Value;
use http::uri::PathAndQuery;
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::schema::Node;
use super::suggest;
use super::{Percent, Rate, RetryCondition, Size, Span};

/// What is wrong with a value that is neither table nor list, as "needs …", if anything.
pub(super) fn scalar(node: Node<'_>, value: &Value) -> Result<(), String> {
    let needs = || Err(format!("needs {}", describe(node)));
    if let Some(choices) = node.choices() {
        return match value.as_str() {
            Some(text) if choices.contains(&text) => Ok(()),
            Some(text) => match suggest::nearest(text, choices.iter().copied()) {
                Some(near) if choices.len() > 1 => {
                    Err(format!("needs {} (perhaps `{near}`)", describe(node)))
                }
                _ => needs(),
            },
            None => needs(),
        };
    }
    let types = node.types();
    let allows = |name: &str| types.is_empty() || types.contains(&name);
    match value {
        Value::String(_, text) if allows("string") => string(node, text),
        Value::Char(_, letter) if allows("string") => string(node, &letter.to_string()),
        Value::Bool(..) if allows("boolean") => Ok(()),
        Value::Empty(..) if node.nullable() || types.is_empty() => Ok(()),
        Value::Num(_, number) if node.format() == "percent" => {
            let share = number.to_f64().or_else(|| {
                let whole = number.to_i128().and_then(|whole| i32::try_from(whole).ok());
                whole.map(f64::from)
            });
            match share.and_then(Percent::from_fraction) {
                Some(share) if share_fits(node, share) => Ok(()),
                _ => needs(),
            }
        }
        Value::Num(_, number) => {
            let whole = number
                .to_i128()
                .or_else(|| number.to_u128().and_then(|big| i128::try_from(big).ok()));
            match whole {
                Some(whole) if allows("integer") || allows("number") => integer(node, whole),
                None if allows("number") => float(node, number.to_f64().unwrap_or(f64::NAN)),
                _ => needs(),
            }
        }
        _ => needs(),
    }
}

/// What a place takes, for people.
pub(super) fn describe(node: Node<'_>) -> String {
    if let Some(choices) = node.choices() {
        return match choices.as_slice() {
            [only] => format!("`{only}`"),
            _ => format!("one of {}", suggest::listed(&choices)),
        };
    }
    if let Some(form) = of_format(node.format()) {
        return match (node.text("x-msa-min"), node.text("x-msa-max")) {
            (Some(min), Some(max)) => format!("{form}, from {min} to {max}"),
            (Some(min), None) => format!("{form}, at least {min}"),
            (None, Some(max)) => format!("{form}, at most {max}"),
            (None, None) => form.to_owned(),
        };
    }
    let types = node.types();
    let described: Vec<String> = types
        .iter()
        .map(|name| match *name {
            "integer" => whole_number(node),
            "number" => "a number".into(),
            "boolean" => "true or false".into(),
            "array" => "a list".into(),
            "object" => "a table".into(),
            _ => "text".into(),
        })
        .collect();
    if described.is_empty() {
        return "another value".into();
    }
    described.join(" or ")
}

fn of_format(format: &str) -> Option<&'static str> {
    Some(match format {
        "span" => "a time with its unit, such as 250ms, 10s or 1m 30s",
        "size" => "a size such as 64KiB, 2MiB or 10MB",
        "rate" => "a rate such as 100/s, 6000/m or 5/10s",
        "percent" => "a percentage such as 50%, or its fraction 0.5",
        "socket-addr" => "an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
        "ip" | "ipv4" | "ipv6" => "an IP address",
        "ip-net" => "a network such as 10.0.0.0/8 or fd00::/8",
        "http-url" => "a URL such as http://10.0.0.1:8081, without path",
        "header-name" => "a header's name, in lower case",
        "url-path" => "a path such as /readyz",
        "origin" => "an origin such as https://shop.example, without path, or `*` for any",
        "retry-condition" => "a status such as 503, or a name such as connect-failure or 5xx",
        "log-filter" => "a log level or directives, such as info,sqlx=warn",
        _ => return None,
    })
}

fn string(node: Node<'_>, text: &str) -> Result<(), String> {
    let fits = match node.format() {
        "span" => text.parse::<Span>().is_ok_and(|span| {
            let bound = |keyword| {
                node.text(keyword)
                    .and_then(|bound| bound.parse::<Span>().ok())
            };
            within(span, bound("x-msa-min"), bound("x-msa-max"))
        }),
        "size" => text.parse::<Size>().is_ok_and(|size| size_fits(node, size)),
        "rate" => text.parse::<Rate>().is_ok(),
        "percent" => (text.parse::<Percent>()).is_ok_and(|share| share_fits(node, share)),
        "retry-condition" => text.parse::<RetryCondition>().is_ok(),
        "socket-addr" => text.parse::<SocketAddr>().is_ok(),
        "ip" => text.parse::<IpAddr>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "ip-net" => text.parse::<IpNet>().is_ok(),
        "http-url" => is_http_url(text),
        "url-path" => text.starts_with('/') && text.parse::<PathAndQuery>().is_ok(),
        "origin" => text == "*" || is_origin(text),
        "header-name" => http::HeaderName::try_from(text).is_ok_and(|name| name.as_str() == text),
        // The parser cuts a text it does not understand in the middle of a letter, and panics, unless it is ASCII.
        "log-filter" => is_log_filter(text),
        _ => {
            return length(
                node,
                text.chars().count(),
                "minLength",
                "maxLength",
                "characters",
            );
        }
    };
    if fits {
        Ok(())
    } else {
        Err(format!("needs {}", describe(node)))
    }
}

/// A bare word that is no level would be taken for a target, and a misspelt level silence everything.
fn is_log_filter(text: &str) -> bool {
    let levelled = |directive: &str| {
        let directive = directive.trim();
        directive.is_empty()
            || directive.contains(['=', '['])
            || directive
                .parse::<tracing_subscriber::filter::LevelFilter>()
                .is_ok()
    };
    // The parser panics on some text that is not ASCII.
    text.is_ascii() && text.split(',').all(levelled) && EnvFilter::builder().parse(text).is_ok()
}

/// Whether a list or a text is as long as it may be.
pub(super) fn length(
    node: Node<'_>,
    len: usize,
    min: &str,
    max: &str,
    of: &str,
) -> Result<(), String> {
    // Casts: a configuration is no 2^53 letters long
    let len = len as f64;
    match (node.number(min), node.number(max)) {
        (Some(min), _) if len < min => Err(format!("needs at least {min} {of}")),
        (_, Some(max)) if len > max => Err(format!("needs at most {max} {of}")),
        _ => Ok(()),
    }
}

/// Whether it can be an endpoint. Discovery reads these URLs, and forgives less than the URL standard, which takes
/// `http:///a`, `http:\\a` and `http://010.1`: what it would refuse must not get as far.
fn is_http_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let odd = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace();
    if authority.contains(|c: char| odd(c) || c.is_control()) {
        return false;
    }
    Url::parse(text).is_ok_and(|url| {
        let as_written = match url.host() {
            Some(Host::Ipv4(ip)) => authority.split(':').next() == Some(&ip.to_string()),
            host => host.is_some(),
        };
        scheme.eq_ignore_ascii_case(url.scheme())
            && matches!(url.scheme(), "http" | "https")
            && as_written
            && url.port() != Some(0)
    })
}

/// Whether browsers write an origin like this: one that differs is never sent, and would never match.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

fn within<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> bool {
    min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
}

fn size_fits(node: Node<'_>, size: Size) -> bool {
    let bound = |keyword| {
        node.text(keyword)
            .and_then(|bound| bound.parse::<Size>().ok())
    };
    within(size, bound("x-msa-min"), bound("x-msa-max"))
}

fn share_fits(node: Node<'_>, share: Percent) -> bool {
    let bound = |keyword| {
        node.text(keyword)
            .and_then(|bound| bound.parse::<Percent>().ok())
    };
    within(share, bound("x-msa-min"), bound("x-msa-max"))
}

/// The bounds of a whole number: those of its type, narrowed by the schema's.
// Casts: bounds of settings are far below 2^53
fn bounds(node: Node<'_>) -> (i128, i128) {
    let (low, high) = match node.format() {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint" | "uint64" | "size" => (0, u64::MAX.into()),
        "int" | "int64" => (i64::MIN.into(), i64::MAX.into()),
        _ => (i128::MIN, i128::MAX),
    };
    let bound = |keyword| node.number(keyword).map(|bound| bound as i128);
    (
        low.max(bound("minimum").unwrap_or(low)),
        high.min(bound("maximum").unwrap_or(high)),
    )
}

fn integer(node: Node<'_>, whole: i128) -> Result<(), String> {
    let (low, high) = bounds(node);
    let size = node.format() != "size"
        || u64::try_from(whole).is_ok_and(|bytes| size_fits(node, Size::bytes(bytes)));
    if size && (low..=high).contains(&whole) {
        Ok(())
    } else {
        Err(format!("needs {}", describe(node)))
    }
}

fn whole_number(node: Node<'_>) -> String {
    match bounds(node) {
        (i128::MIN, i128::MAX) => "a whole number".into(),
        (low, high) if high >= u32::MAX.into() => format!("a whole number of {low} or more"),
        (low, high) => format!("a whole number from {low} to {high}"),
    }
}

fn float(node: Node<'_>, number: f64) -> Result<(), String> {
    let (min, max) = (node.number("minimum"), node.number("maximum"));
    if number.is_finite() && within(number, min, max) {
        return Ok(());
    }
    Err(match (min, max) {
        (Some(min), Some(max)) => format!("needs a number from {min} to {max}"),
        (Some(min), None) => format!("needs a number of {min} or more"),
        (None, Some(max)) => format!("needs a number of {max} or less"),
        (None, None) => "needs a number".into(),
    })
}
