//! An endpoint as it is written.

use std::borrow::Cow;
use std::str::FromStr;

use url::{Host, Url};

use super::{Endpoint, Scheme};

/// An endpoint's URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not an endpoint: {reason}; write it as http://host:port")]
pub struct EndpointError {
    url: String,
    reason: String,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `http://host:port`. The port may be left out (80, 443); anything else beyond the authority is refused.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        parse(text).map_err(|reason| EndpointError {
            url: without_secrets(text),
            reason: reason.into_owned(),
        })
    }
}

/// The URL standard forgives much (`http:\\10.1` is `http://10.0.0.1/`, `010` is octal). An endpoint that is not the one
/// its author read would be found out by traffic going astray, so what it would have to forgive is refused here.
fn parse(text: &str) -> Result<Endpoint, Cow<'static, str>> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("it has no scheme".into());
    };
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
        _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        _ => return Err("the scheme is neither http nor https".into()),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('@') {
        return Err("it has a user name or a password, which belong into a secret".into());
    }
    if authority.contains(['/', '?', '#', '\\']) {
        return Err("it has a path or a query, which belong to the call".into());
    }
    if authority.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("it has a blank or a control character".into());
    }
    if matches!(authority.chars().next(), None | Some(':')) {
        return Err("it has no host".into());
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let host = url.host().ok_or("it has no host")?.to_owned();
    if let Host::Ipv4(ip) = host
        && authority.split(':').next() != Some(ip.to_string().as_str())
    {
        return Err(format!("it would be read as {ip}").into());
    }
    let port = url.port_or_known_default().ok_or("it has no port")?;
    if port == 0 {
        return Err("port 0 cannot be called".into());
    }
    Ok(Endpoint::new(scheme, host, port))
}

/// The text for an error message, which ends up in logs: without credentials, and without a query.
fn without_secrets(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        (None, Some((_, host))) => format!("***@{host}"),
        (_, None) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        text.parse::<Endpoint>().unwrap_err().to_string()
    }

    #[test]
    fn the_port_defaults_to_that_of_the_scheme() {
        assert_eq!(endpoint("http://users").authority(), "users:80");
        assert_eq!(endpoint("https://users/").authority(), "users:443");
        assert_eq!(endpoint("HTTPS://Users:80").to_string(), "https://users:80");
    }

    #[test]
    fn an_address_is_known_when_the_host_is_one() {
        let v4 = endpoint("http://10.0.0.1:8081");
        assert_eq!(v4.addr(), Some("10.0.0.1:8081".parse().unwrap()));
        let v6 = endpoint("http://[::1]:8081");
        assert_eq!(v6.authority(), "[::1]:8081");
        assert_eq!(v6.addr(), Some("[::1]:8081".parse().unwrap()));
        assert_eq!(
            endpoint("http://[2001:db8:0:0::1]").authority(),
            "[2001:db8::1]:80"
        );
        assert_eq!(endpoint("http://users:8081").addr(), None);
    }

    #[test]
    fn what_is_not_an_endpoint_is_refused_and_told_why() {
        for (text, reason) in [
            ("", "no scheme"),
            ("users:8081", "no scheme"),
            ("10.0.0.1:8081", "no scheme"),
            ("http:10.0.0.1:8081", "no scheme"),
            ("ftp://users", "neither http nor https"),
            ("http://", "no host"),
            ("http://:8081", "no host"),
            ("http://users/v1", "a path or a query"),
            ("http://users//", "a path or a query"),
            ("http://users?a=1", "a path or a query"),
            ("http://users/#", "a path or a query"),
            ("http://users\\v1", "a path or a query"),
            ("http://us\ters", "a blank"),
            (" http://users", "neither http nor https"),
            ("http://users:0", "port 0"),
            ("http://users:65536", "invalid port"),
            ("http://users:http", "invalid port"),
            ("http://[::1", "invalid IPv6"),
            ("http://[fe80::1%eth0]:80", "invalid IPv6"),
            ("http://010.0.0.1", "read as 8.0.0.1"),
            ("http://10.1:80", "read as 10.0.0.1"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(reason), "{text:?}: {refusal}");
            assert!(refusal.contains("http://host:port"), "{refusal}");
        }
    }

    #[test]
    fn credentials_are_refused_and_never_repeated() {
        for text in [
            "http://me:hunter2@users:80",
            "me:hunter2@users",
            "http://me:hun@ter2@users",
        ] {
            let refusal = refusal(text);
            assert!(!refusal.contains("hun"), "{refusal}");
            assert!(refusal.contains("users"), "{refusal}");
        }
    }
}
