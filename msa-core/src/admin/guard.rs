//! Who may see the pages, and who may change something.
//!
//! On the loopback interface everybody on the machine may, and pages of strangers in an operator's browser may not: a name that was
//! made to point at 127.0.0.1 (DNS rebinding) is refused by its `Host`, and a form or a simple cross-origin request cannot have the
//! content type that changes need. On any other address a token (`admin.token`) or a client's certificate (`admin.tls`) is needed,
//! unless somebody said `admin.open`.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};

use super::Shown;
use super::secure::Client;
use crate::config::AdminSettings;
use crate::problem::Problem;

/// Who asked, for the audit log: an address, and whose certificate it showed.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    addr: Option<SocketAddr>,
    client: Option<Client>,
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.addr {
            Some(peer) => peer.fmt(f)?,
            None => f.write_str("unknown")?,
        }
        match &self.client {
            Some(client) => write!(f, " ({client})"),
            None => Ok(()),
        }
    }
}

/// The layer before every page but the probes.
pub(super) async fn check(
    State(shown): State<Shown>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let settings = shown.config.settings();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let addr = peer.map(|peer| peer.0);
    let secured = shown.secured.as_ref();
    let client = secured.and_then(|secured| secured.client(addr?, &settings.admin.tls));
    let by_certificate = client.as_ref().is_some_and(|client| client.may);
    let peer = Peer { addr, client };
    let (local, headers) = (shown.local.ip(), request.headers());
    let allowed = may_see(&settings.admin, local, headers, by_certificate)
        .and_then(|()| may_change(request.method(), request.headers()));
    match allowed {
        Ok(()) => {
            request.extensions_mut().insert(peer);
            next.run(request).await
        }
        Err(problem) => {
            let (method, path) = (request.method(), request.uri().path());
            let status = problem.status().as_u16();
            tracing::warn!(target: "msa::audit", %peer, %method, path, status, "refused");
            problem.into_response()
        }
    }
}

/// `local` is where the listener is, `by_certificate` whether the client showed one that suffices.
fn may_see(
    settings: &AdminSettings,
    local: IpAddr,
    headers: &HeaderMap,
    by_certificate: bool,
) -> Result<(), Problem> {
    if by_certificate {
        return Ok(());
    }
    if let Some(token) = settings.token.as_ref().filter(|token| !token.is_empty()) {
        return match bearer(headers) {
            Some(given) if same(given, token.expose().as_bytes()) => Ok(()),
            _ => Err(Problem::new(StatusCode::UNAUTHORIZED)
                .detail(match settings.tls.takes_certificates() {
                    true => "send the management token, `Authorization: Bearer <admin.token>`, or show a certificate that `admin.tls` takes",
                    false => "send the management token: `Authorization: Bearer <admin.token>`",
                })
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        };
    }
    if !local.to_canonical().is_loopback() {
        return match settings.open {
            true => Ok(()),
            // The configuration refuses this at the start; a reload may have taken the token away.
            false if settings.tls.takes_certificates() => {
                Err(Problem::new(StatusCode::UNAUTHORIZED)
                    .detail("show a client certificate that `admin.tls` takes"))
            }
            false => Err(Problem::new(StatusCode::FORBIDDEN).detail(
                "set `admin.token`, or `admin.open = true` to show everything to everybody",
            )),
        };
    }
    match host(headers) {
        Some(host) if is_ours(&host, &settings.hosts) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN).detail(
            "ask by address or as `localhost`; another name of this machine has to be in `admin.hosts`",
        )),
    }
}

/// A cross-origin page cannot send this content type without being asked first, which is answered with 405.
fn may_change(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let json = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let json = json.and_then(|kind| kind.split(';').next());
    match json {
        Some(kind) if kind.trim().eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail("changes are sent with `content-type: application/json`, body or not")),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let given = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = given.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// Compares in a time that does not tell how much of it was right.
fn same(given: &[u8], token: &[u8]) -> bool {
    let differ = given
        .iter()
        .zip(token.iter().cycle())
        .fold(given.len() ^ token.len(), |differ, (one, other)| {
            std::hint::black_box(differ | usize::from(one ^ other))
        });
    differ == 0
}

/// The host without its port; `None` when it is not one, or when there are several.
fn host(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all(HOST).iter();
    let (host, None) = (given.next()?, given.next()) else {
        return None;
    };
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    Some(authority.host().to_ascii_lowercase())
}

fn is_ours(host: &str, hosts: &[String]) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).parse::<IpAddr>().is_ok()
        || host == "localhost"
        || hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::config::Secret;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn status(
        settings: &AdminSettings,
        local: IpAddr,
        given: &[(&'static str, &'static str)],
    ) -> u16 {
        let seen = may_see(settings, local, &headers(given), false);
        seen.map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn on_loopback_only_names_of_this_machine_are_answered() {
        let settings = AdminSettings {
            hosts: vec!["box.example".to_owned()],
            ..AdminSettings::default()
        };
        for good in [
            "127.0.0.1:9090",
            "localhost",
            "[::1]:9090",
            "LOCALHOST:1",
            "box.example:9090",
        ] {
            assert_eq!(
                status(&settings, LOOPBACK, &[("host", good)]),
                200,
                "{good}"
            );
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:9090",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert_eq!(status(&settings, LOOPBACK, &[("host", bad)]), 403, "{bad}");
        }
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status(&settings, LOOPBACK, &twice), 403);
    }

    #[test]
    fn elsewhere_the_token_decides() {
        let mut settings = AdminSettings::default();
        assert_eq!(status(&settings, ANYWHERE, &[("host", "10.0.0.1")]), 403);
        settings.token = Some(Secret::new("s3cret"));
        for (given, expected) in [
            ("Bearer s3cret", 200),
            ("bearer s3cret", 200),
            ("Bearer s3cre", 401),
            ("Bearer s3crets3cret", 401),
            ("Bearer ", 401),
            ("Basic s3cret", 401),
        ] {
            assert_eq!(
                status(&settings, ANYWHERE, &[("authorization", given)]),
                expected,
                "{given}"
            );
        }
        assert_eq!(
            status(&settings, LOOPBACK, &[("host", "localhost")]),
            401,
            "there too"
        );
        settings.token = None;
        settings.open = true;
        assert_eq!(status(&settings, ANYWHERE, &[]), 200);
    }

    #[test]
    fn what_a_form_can_send_changes_nothing() {
        for (kind, good) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; application/json", false),
        ] {
            let changed = may_change(&Method::POST, &headers(&[("content-type", kind)]));
            assert_eq!(changed.is_ok(), good, "{kind}");
        }
        assert!(may_change(&Method::DELETE, &HeaderMap::new()).is_err());
        assert!(may_change(&Method::GET, &HeaderMap::new()).is_ok());
    }
}
