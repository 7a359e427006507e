//! Pointing a request at an endpoint.

use http::header::{CONNECTION, HeaderMap, HeaderValue};
use url::{Host, Url};

use super::{CallError, CallErrorKind};
use crate::discovery::Endpoint;
use crate::txn::Headers;

/// Gives the URL the endpoint's own scheme, host and port; path and query stay. Returns the URL as it was.
pub(super) fn point(url: &mut Url, endpoint: &Endpoint) -> Result<Url, CallError> {
    if let Some(pointed) = rebased(url, endpoint) {
        return Ok(std::mem::replace(url, pointed));
    }
    let before = url.clone();
    let scheme = endpoint.scheme().as_str();
    let done = (url.scheme() == scheme || url.set_scheme(scheme).is_ok())
        && set_host(url, endpoint.host())
        && url.set_port(Some(endpoint.port())).is_ok();
    if done {
        Ok(before)
    } else {
        // Its query and credentials are nobody's business.
        let message = format!(
            "a URL of scheme `{}` cannot be sent to {endpoint}",
            url.scheme()
        );
        Err(CallError::new(CallErrorKind::Invalid, message))
    }
}

/// The short way: path and query onto the endpoint's own root, which is parsed already. What else a URL may have would
/// be lost.
fn rebased(url: &Url, endpoint: &Endpoint) -> Option<Url> {
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let mut pointed = endpoint.base().filter(|_| plain)?.clone();
    pointed.set_path(url.path());
    if url.query().is_some() {
        pointed.set_query(url.query());
    }
    Some(pointed)
}

pub(super) fn set_host(url: &mut Url, host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => url.set_host(Some(name)).is_ok(),
        Host::Ipv4(ip) => url.set_ip_host((*ip).into()).is_ok(),
        Host::Ipv6(ip) => url.set_ip_host((*ip).into()).is_ok(),
    }
}

/// Takes the names of our headers out of `Connection`, where they would make the next proxy drop them.
pub(super) fn keep_end_to_end(ours: &Headers, headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let named = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|name| ours.contains(name.trim()))
    };
    if !headers.get_all(CONNECTION).iter().any(named) {
        return;
    }
    let rest: Vec<&str> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty() && !ours.contains(name))
        .collect();
    match HeaderValue::from_str(&rest.join(", ")) {
        Ok(value) if !value.is_empty() => {
            headers.insert(CONNECTION, value);
        }
        _ => {
            headers.remove(CONNECTION);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_stay_while_scheme_host_and_port_become_the_endpoints() {
        for path in [
            "/",
            "/users/7?a=b%20c",
            "//other.example/x?",
            "/a%2Fb/%2e%2ex/;p=1/'\"|[]{}?q='\"<>#^`|{}",
            "/\u{e4}\u{f6}?\u{e4}=/?/..",
            "/only/a/path?",
            "/with/a?fragment=#x",
        ] {
            for endpoint in [
                "http://10.0.0.1:8081",
                "https://users.internal",
                "http://[::1]:81",
            ] {
                let before: Url = format!("http://user-service:9{path}").parse().unwrap();
                let endpoint: Endpoint = endpoint.parse().unwrap();
                let mut url = before.clone();
                assert_eq!(point(&mut url, &endpoint).unwrap(), before);
                assert_eq!(url.scheme(), endpoint.scheme().as_str());
                assert_eq!(url.host_str(), Some(&*endpoint.host().to_string()));
                assert_eq!(url.port_or_known_default(), Some(endpoint.port()));
                assert_eq!((url.path(), url.query()), (before.path(), before.query()));
            }
        }
    }

    #[test]
    fn connection_cannot_make_our_headers_hop_by_hop() {
        let connection = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONNECTION, HeaderValue::from_static(value));
            }
            keep_end_to_end(&Headers::default(), &mut headers);
            headers
                .get(CONNECTION)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(connection(&["X-GTXID"]), None);
        assert_eq!(
            connection(&["close, x-gtxid", "x-ltxid , te"]).as_deref(),
            Some("close, te")
        );
        assert_eq!(connection(&["keep-alive"]).as_deref(), Some("keep-alive"));
        assert_eq!(connection(&[]), None);
    }
}
