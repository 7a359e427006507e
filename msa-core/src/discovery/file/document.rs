//! What stands in an endpoints file.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value};

use crate::discovery::{Endpoint, EndpointSet, normalize};

/// Why a file cannot be used, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Line and column, from 1; `None` when it is not about one place.
    pub(super) at: Option<(usize, usize)>,
    pub(super) reason: String,
}

/// Reads the bytes of a file, TOML or JSON. No TOML document begins with `{` and ours in JSON always does, so the name of
/// the file, which in a mounted volume may have no extension, need not tell.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, EndpointSet>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| Fault {
        at: Some(place(bytes, error.valid_up_to())),
        reason: "it is not UTF-8".to_owned(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: Document = match text.trim_start().chars().next() {
        // A writer that truncates the file before it writes must not look like a service mesh that is gone.
        None => {
            return Err(Fault {
                at: None,
                reason: "it is empty; when there are no services, write `services = {}`".to_owned(),
            });
        }
        Some('{') => serde_json::from_str(text).map_err(|error| json_fault(&error))?,
        Some(_) => toml::from_str(text).map_err(|error| toml_fault(text, &error))?,
    };
    Ok(document.services.0)
}

fn toml_fault(text: &str, error: &toml::de::Error) -> Fault {
    Fault {
        at: error.span().map(|span| place(text.as_bytes(), span.start)),
        reason: error.message().to_owned(),
    }
}

fn json_fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    Fault {
        at: (line > 0).then_some((line, column)),
        reason: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
    }
}

fn place(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.get(line_start..).unwrap_or_default();
    (line, 1 + String::from_utf8_lossy(column).chars().count())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    services: Services,
}

struct Services(BTreeMap<String, EndpointSet>);

impl<'de> Deserialize<'de> for Services {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ServicesVisitor)
    }
}

struct ServicesVisitor;

impl<'de> Visitor<'de> for ServicesVisitor {
    type Value = Services;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of services")
    }

    // By hand, because JSON lets a key stand twice and two spellings of a name are one service: taking either list
    // would drop the other's instances without a word.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Services, A::Error> {
        let mut services = BTreeMap::new();
        while let Some(written) = map.next_key::<String>()? {
            let name = normalize(&written).into_owned();
            if name.is_empty() {
                return Err(de::Error::custom("a service has an empty name"));
            }
            let service: Service = map.next_value()?;
            let set = service.endpoints.into_iter().map(|entry| entry.0).collect();
            if services.insert(name, set).is_some() {
                return Err(de::Error::custom(format_args!(
                    "service `{written}` stands here twice; `-`, `_` and case do not tell names apart"
                )));
            }
        }
        Ok(Services(services))
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    endpoints: Vec<Entry>,
}

/// A URL, or a table with more than a URL.
struct Entry(Endpoint);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an untagged enum: that forgets where in the file an error is and what it was.
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an endpoint, as \"http://host:port\" or { url = \"http://host:port\", .. }")
    }

    fn visit_str<E: de::Error>(self, url: &str) -> Result<Entry, E> {
        url.parse().map(Entry).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
        let table = Table::deserialize(value::MapAccessDeserializer::new(map))?;
        let Entry(mut endpoint) = table.url;
        if let Some(addr) = table.addr {
            endpoint = endpoint.with_addr(addr);
        }
        if let Some(weight) = table.weight {
            endpoint = endpoint.with_weight(weight);
        }
        if let Some(zone) = table.zone {
            endpoint = endpoint.with_zone(zone);
        }
        for (key, value) in table.labels {
            endpoint = endpoint.with_label(key, value);
        }
        Ok(Entry(endpoint))
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(deserialize_with = "url")]
    url: Entry,
    addr: Option<std::net::SocketAddr>,
    weight: Option<u32>,
    zone: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Entry, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Entry).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let fault = parse(text.as_bytes()).unwrap_err();
        let at = fault.at.map_or("-".to_owned(), |(l, c)| format!("{l}:{c}"));
        (at, fault.reason)
    }

    const TOML: &str = r#"
        [services.user-service]
        endpoints = [
            "http://10.0.0.1:8081",
            { url = "https://users.internal", weight = 50, zone = "a", addr = "10.0.0.2:8443", labels = { track = "canary" } },
        ]
        [services.Stock_Service]
        endpoints = []
    "#;

    const JSON: &str = r#"{ "services": {
        "user_service": { "endpoints": [
            "http://10.0.0.1:8081",
            { "url": "https://users.internal", "weight": 50, "zone": "a", "addr": "10.0.0.2:8443", "labels": { "track": "canary" } }
        ] },
        "stock-service": { "endpoints": [] }
    } }"#;

    #[test]
    fn toml_and_json_say_the_same() {
        let services = parse(TOML.as_bytes()).unwrap();
        assert_eq!(services, parse(JSON.as_bytes()).unwrap());
        assert!(services["stock-service"].is_empty());
        let [plain, full] = services["user-service"].as_slice() else {
            panic!("{services:?}");
        };
        assert_eq!(plain.to_string(), "http://10.0.0.1:8081");
        assert_eq!((plain.weight(), plain.zone()), (100, None));
        assert_eq!(full.to_string(), "https://users.internal:443");
        assert_eq!((full.weight(), full.zone()), (50, Some("a")));
        assert_eq!(full.addr(), Some("10.0.0.2:8443".parse().unwrap()));
        assert_eq!(full.labels()["track"], "canary");
    }

    #[test]
    fn a_byte_order_mark_is_no_error() {
        assert!(parse(b"\xef\xbb\xbfservices = {}").unwrap().is_empty());
        assert!(parse(b"\xef\xbb\xbf{\"services\":{}}").unwrap().is_empty());
    }

    #[test]
    fn every_fault_names_its_place_and_its_reason() {
        for (text, at, reason) in [
            (
                "[services.a]\nendpoints = [\"http://a\", \"b:80\"]",
                "2:26",
                "`b:80` is not an endpoint",
            ),
            (
                "[services.a]\nendpoints = [{ url = \"b:80\" }]",
                "2:22",
                "`b:80` is not an endpoint",
            ),
            (
                "[services.a]\nendpoints = [{ url = \"http://a\", wieght = 3 }]",
                "2:34",
                "unknown field `wieght`",
            ),
            (
                "[services.a]\nendpoints = [{ url = \"http://a\", weight = -3 }]",
                "2:43",
                "-3",
            ),
            (
                "[services.a]\nendpoints = [{ url = \"http://a\", addr = \"x\" }]",
                "2:41",
                "socket address",
            ),
            (
                "[services.a]\nendpoints = [7]",
                "2:14",
                "expected an endpoint",
            ),
            ("[services.a]\nendpoints = [", "2:14", ""),
            (
                "[servises.a]\nendpoints = []",
                "1:2",
                "unknown field `servises`",
            ),
            (
                "[services.a]\nendpoints = []\n[services.A]\nendpoints = []",
                "1:2",
                "stands here twice",
            ),
            (
                "{\n\"services\": {\"a\": {\"endpoints\": [\"b:80\"]}}}",
                "2:39",
                "`b:80` is not an endpoint",
            ),
            ("{\n\"services\": {\"a\": ", "2:18", "EOF while parsing"),
            (
                "{\"services\":{\"a\":{\"endpoints\":[]},\"a\":{\"endpoints\":[]}}}",
                "1:55",
                "stands here twice",
            ),
            ("  \n", "-", "it is empty"),
            ("{}", "1:2", "missing field `services`"),
            ("title = \"x\"", "1:1", "unknown field `title`"),
        ] {
            let (found, why) = fault(text);
            assert!(why.contains(reason), "{text:?}: {why:?}");
            assert_eq!(found, at, "{text:?}: {why}");
        }
    }

    #[test]
    fn what_is_no_text_is_a_fault_at_its_first_bad_byte() {
        let fault = parse(b"[services.a]\n# \xc3\xa4 \xff").unwrap_err();
        assert_eq!(fault.at, Some((2, 5)));
    }
}
