//! One question to another process's management listener.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method, StatusCode};
use reqwest::{Request, Response};
use url::{Host, Url};

use super::across::Question;
use super::{Known, Shown};
use crate::client::transport::{ConnectionSettings, SendOptions, Transport as _};
use crate::clock;
use crate::discovery::{Endpoint, Scheme};
use crate::telemetry::journal::Entry;

/// A longer answer is not read.
const LONGEST: usize = 2 * 1024 * 1024;

/// Of the time that is left, so much is given on: whoever asks deeper must answer in time.
const GIVEN_ON: f64 = 0.8;

/// Where to ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether it is asked by TLS.
    secure: bool,
    /// The configuration names it, not somebody's answer.
    trusted: bool,
}

impl Place {
    /// The port was told by an answer from this host.
    pub(super) fn told(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            secure: false,
            trusted: false,
        }
    }

    /// The endpoint's label `admin`: `9090`, `host:9090`, or `https://host:9090`.
    pub(super) fn labelled(label: &str, host: &str) -> Result<Self, String> {
        let wrong =
            || format!("the endpoint's label admin = {label:?} is neither a port nor host:port");
        let (secure, place) = match label.strip_prefix("https://") {
            Some(place) => (true, place),
            None => (false, label),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port),
            None => (host, place),
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| wrong())?,
            secure,
            trusted: true,
        })
    }

    fn ip(&self) -> Option<IpAddr> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare.parse().ok()
    }

    /// Whether the token may go there.
    fn may_have_token(&self) -> bool {
        self.trusted || self.ip().is_some_and(|ip| ip.to_canonical().is_loopback())
    }

    fn endpoint(&self) -> Result<Endpoint, String> {
        if let Some(ip) = self.ip().filter(|_| !self.secure) {
            return Ok(Endpoint::at(SocketAddr::new(ip, self.port)));
        }
        let host = Host::parse(&self.host).map_err(|error| error.to_string())?;
        let scheme = match self.secure {
            true => Scheme::Https,
            false => Scheme::Http,
        };
        Ok(Endpoint::new(scheme, host, self.port))
    }
}

/// What the process there keeps of these branches and below; nothing is an answer, too.
pub(super) async fn ask(
    shown: &Shown,
    place: &Place,
    branches: &[String],
    question: &Question,
) -> Result<Vec<Entry>, String> {
    let asking = asked(shown, place, branches, question);
    match tokio::time::timeout_at(question.until, asking).await {
        Ok(answered) => answered,
        Err(_) => Err(format!(
            "no answer from its management port {} in time",
            place.port
        )),
    }
}

async fn asked(
    shown: &Shown,
    place: &Place,
    branches: &[String],
    question: &Question,
) -> Result<Vec<Entry>, String> {
    let endpoint = place.endpoint()?;
    let left = question.until.saturating_duration_since(clock::now());
    let mut url: Url =
        (endpoint.to_string().parse()).map_err(|error: url::ParseError| error.to_string())?;
    url.set_path(&format!("/txn/{}", question.gtxid));
    url.query_pairs_mut()
        .append_pair("scope", "all")
        .append_pair("format", "json")
        .append_pair("branch", &branches.join(","))
        .append_pair("hops", &question.hops.saturating_sub(1).to_string())
        .append_pair("within_ms", &left.mul_f64(GIVEN_ON).as_millis().to_string());
    let mut request = Request::new(Method::GET, url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let settings = shown.config.settings();
    let token = settings
        .admin
        .token
        .as_ref()
        .filter(|_| place.may_have_token());
    if let Some(token) = token
        && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.expose()))
    {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let connection = Arc::new(ConnectionSettings {
        connect_timeout: left.min(Duration::from_secs(1)),
        pool_idle_timeout: Duration::from_secs(1),
        ca_file: settings.client.ca_file.clone(),
        ..ConnectionSettings::default()
    });
    let mut options = SendOptions::new("admin", &connection);
    options.plain = true; // one pool for all of them
    let response = shown.transport.send(&endpoint, request, &options).await;
    let response = response.map_err(|error| {
        format!(
            "its management port {} does not answer: {}",
            place.port,
            innermost(&error)
        )
    })?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(Vec::new()),
        StatusCode::UNAUTHORIZED => {
            return Err("it asks for another `admin.token`, or for one at all: give its endpoint the label `admin`, and \
                        both services the same token"
                .to_owned());
        }
        status => {
            return Err(format!(
                "its management port {} answers {status}",
                place.port
            ));
        }
    }
    let known: Known = serde_json::from_slice(&read(response).await?)
        .map_err(|error| format!("what it says cannot be read: {error}"))?;
    Ok(known.entries)
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() > LONGEST => {
                return Err("what it says is longer than 2 MiB".to_owned());
            }
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => return Ok(body),
            Err(error) => return Err(format!("its answer broke off: {}", innermost(&error))),
        }
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_port_or_a_place() {
        let place =
            |label: &str| Place::labelled(label, "10.0.0.1").map(|place| (place.host, place.port));
        assert_eq!(place("9091"), Ok(("10.0.0.1".to_owned(), 9091)));
        assert_eq!(place("10.0.0.2:9092"), Ok(("10.0.0.2".to_owned(), 9092)));
        assert_eq!(place("[::1]:9093"), Ok(("[::1]".to_owned(), 9093)));
        assert_eq!(
            place("https://box:9094"),
            Ok(("box".to_owned(), 9094)),
            "by TLS"
        );
        for wrong in ["", "http", "10.0.0.2:", "host:99999"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_token_goes_where_the_configuration_says_and_nowhere_that_an_answer_told() {
        assert!(
            Place::labelled("9090", "10.0.0.1")
                .unwrap()
                .may_have_token()
        );
        assert!(Place::told("127.0.0.1".to_owned(), 9090).may_have_token());
        assert!(Place::told("[::1]".to_owned(), 9090).may_have_token());
        assert!(!Place::told("10.0.0.1".to_owned(), 9090).may_have_token());
        assert!(!Place::told("localhost.example".to_owned(), 9090).may_have_token());
    }

    #[test]
    fn an_address_of_either_family_can_be_asked() {
        for (host, authority) in [
            ("127.0.0.1", "127.0.0.1:9"),
            ("[::1]", "[::1]:9"),
            ("box", "box:9"),
        ] {
            let endpoint = Place::told(host.to_owned(), 9).endpoint().unwrap();
            assert_eq!(endpoint.authority(), authority);
            let secure = Place::labelled(&format!("https://{host}:9"), "").unwrap();
            let endpoint = secure.endpoint().unwrap();
            assert_eq!(endpoint.authority(), authority);
            assert_eq!(endpoint.scheme(), Scheme::Https);
        }
    }
}
