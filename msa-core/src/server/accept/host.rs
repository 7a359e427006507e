//! The one `Host` that an HTTP/1.1 request has.
//!
//! RFC 9112, section 3.2: a request of HTTP/1.1 without it, or of any version with two, or with one that is no host, is
//! answered 400. A proxy in front and we could otherwise each believe another one. HTTP/2 names its `:authority`, which
//! hyper has checked.

use http::header::HOST;
use http::{HeaderMap, Version};

/// What is wrong with the request's `Host`, if anything is.
#[inline]
pub(super) fn fault(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    if version > Version::HTTP_11 {
        return None;
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) => None,
        (Some(_), None) => Some("the Host header is not a host with an optional port"),
        (Some(_), Some(_)) => Some("there is more than one Host header"),
        (None, _) if version == Version::HTTP_11 => Some("there is no Host header"),
        (None, _) => None,
    }
}

/// `uri-host [ ":" port ]` (RFC 3986, section 3.2.2). It may be empty.
fn is_host(value: &[u8]) -> bool {
    let end = match value {
        [b'[', ..] => value.iter().position(|b| *b == b']').map(|end| end + 1),
        _ => Some(value.iter().position(|b| *b == b':').unwrap_or(value.len())),
    };
    let Some((host, port)) = end.and_then(|end| value.split_at_checked(end)) else {
        return false;
    };
    let good_host = match host {
        [b'[', address @ .., b']'] => is_address(address),
        name => is_name(name),
    };
    good_host
        && match port {
            [] => true,
            [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

fn is_address(text: &[u8]) -> bool {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || b":.".contains(b);
    !text.is_empty() && text.iter().all(legal)
}

fn is_name(name: &[u8]) -> bool {
    // Nearly all names are of these alone, which one look at each tells.
    if name
        .iter()
        .all(|byte| LEGAL.get(usize::from(*byte)) == Some(&true))
    {
        return true;
    }
    let mut rest = name;
    loop {
        match rest {
            [] => return true,
            [b'%', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest = after;
            }
            [b, after @ ..] if is_legal(*b) => rest = after,
            _ => return false,
        }
    }
}

/// By the byte: whether it may stand in a name as it is.
static LEGAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = is_legal(byte as u8); // from 0 to 255
        byte += 1;
    }
    table
};

const fn is_legal(byte: u8) -> bool {
    const MARKS: [u8; 15] = *b"-._~!$&'()*+,;=";
    let mut place = 0;
    while place < MARKS.len() {
        if MARKS[place] == byte {
            return true;
        }
        place += 1;
    }
    byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(version: Version, hosts: &[&'static str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        fault(version, &headers)
    }

    #[test]
    fn there_is_one_host_with_an_optional_port() {
        for good in [
            "",
            "a",
            "example.com",
            "example.com:8080",
            "example.com:",
            "10.0.0.1:80",
            "[::1]",
            "[::1]:80",
            "xn--bcher-kva.example",
            "a_b",
            "%C3%A4",
        ] {
            assert_eq!(with(Version::HTTP_11, &[good]), None, "{good}");
        }
        for bad in [
            "a b", "a/b", "user@a", "a:b", "a:80:81", "[::1", "::1", "[]", "[::1]80", "a,b c",
            "%zz", "http://a", "a\"",
        ] {
            assert!(with(Version::HTTP_11, &[bad]).is_some(), "{bad}");
        }
    }

    #[test]
    fn none_and_two_are_faults_where_the_rfc_says_so() {
        assert!(with(Version::HTTP_11, &[]).is_some());
        assert!(with(Version::HTTP_11, &["a", "a"]).is_some());
        assert!(with(Version::HTTP_10, &["a", "b"]).is_some());
        assert_eq!(with(Version::HTTP_10, &[]), None);
        assert_eq!(with(Version::HTTP_2, &[]), None);
    }
}
