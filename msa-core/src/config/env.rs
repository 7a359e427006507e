//! The environment: `MSA_` variables with `__` between levels, and the variables that everyone expects.

use std::ffi::OsString;
use std::net::SocketAddr;

use super::coerce::coerce;
use super::error::{Problem, Source};
use super::layer::{Layer, Layers};
use super::otel;
use super::schema::Node;
use super::suggest;

/// Read before any layer: they say where the others are.
pub(super) const SPECIAL: [&str; 3] = ["MSA_CONFIG_DIR", "MSA_PROFILE", "MSA_SECRETS_DIR"];

/// Levels of a key at most, here as in TOML's parser: whoever walks the tree calls itself for each.
const LEVELS: usize = 80;

/// The variables that matter, as text.
#[derive(Clone, Default)]
pub(super) struct Variables {
    found: Vec<(String, String)>,
    /// Names of variables that matter and are no UTF-8.
    broken: Vec<String>,
}

impl Variables {
    /// Keeps what is named `MSA_…`, `PORT`, `RUST_LOG`, by OpenTelemetry or by an alias.
    pub(super) fn keep<'a>(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        aliases: impl Iterator<Item = &'a str>,
    ) -> Self {
        let aliases: Vec<_> = aliases.collect();
        let mut kept = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else {
                continue; // none of ours
            };
            let ours = name.starts_with("MSA_")
                || matches!(name.as_str(), "PORT" | "RUST_LOG")
                || otel::is_known(&name)
                || aliases.contains(&name.as_str());
            match value.into_string() {
                Ok(value) if ours => kept.found.push((name, value)),
                Err(_) if ours => kept.broken.push(name),
                _ => {}
            }
        }
        kept.found.sort();
        kept
    }

    /// The value of a variable, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.found.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The layer of the `MSA_` variables.
    pub(super) fn prefixed(
        &self,
        root: Node<'_>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Layer {
        let mut layer = Layer::new(Source::Variable("MSA_*".into()));
        for name in &self.broken {
            let source = Source::Variable(name.as_str().into());
            problems.push(Problem::new(source, "", "its value is no UTF-8 text"));
        }
        for (name, value) in &self.found {
            let Some(rest) = name.strip_prefix("MSA_") else {
                continue;
            };
            if SPECIAL.contains(&name.as_str()) {
                continue;
            }
            let source = Source::Variable(name.as_str().into());
            let keys = keys(rest.split("__"), root);
            if !rest.contains("__") && keys.first().is_none_or(|key| root.child(key).is_none()) {
                // Kubernetes sets MSA_GATEWAY_SERVICE_HOST for a service that is named msa-gateway.
                warnings.push(suggest::stray_variable(name, rest, root));
                continue;
            }
            insert(&mut layer, &keys, value, &source, root, problems);
        }
        layer
    }

    /// The layer of `PORT`, `RUST_LOG`, OpenTelemetry's and the service's own aliases, which have the last word.
    pub(super) fn conventional(
        &self,
        below: &Layers,
        aliases: &[(String, String)],
        root: Node<'_>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Layer {
        let mut layer = Layer::new(Source::Variable("environment".into()));
        for (name, value) in &self.found {
            let why = otel::useless(name, value).filter(|_| !value.is_empty());
            if let Some(why) = why {
                warnings.push(format!("{name} is set and does nothing: {why}"));
            }
        }
        let mut set = |name: &str, key: &str, value: &str| {
            let source = Source::Variable(name.into());
            let keys = keys(key.split('.'), root);
            if let Some(other @ Source::Variable(_)) = below.place(&keys.join(".")) {
                warnings.push(format!(
                    "{name} and {other} both set `{key}`; {name} is used"
                ));
            }
            insert(&mut layer, &keys, value, &source, root, problems);
        };
        if let Some(filter) = self.get("RUST_LOG") {
            set("RUST_LOG", "log.level", filter);
        }
        // Of several variables of one key only the last counts, and it contradicts nobody.
        let mut found = std::collections::BTreeMap::new();
        for (name, key) in otel::VARIABLES {
            if let Some(value) = self.get(name) {
                found.insert(key, (name, otel::value(key, value)));
            }
        }
        for (key, (name, value)) in found {
            set(name, key, &value);
        }
        for (name, key) in aliases {
            if let Some(value) = self.get(name) {
                set(name, key, value);
            }
        }
        let Some(port) = self.get("PORT") else {
            return layer;
        };
        let Ok(port) = port.trim().parse::<u16>() else {
            let message = format!("`server.addr` needs a port from 0 to 65535, got {port:?}");
            let source = Source::Variable("PORT".into());
            problems.push(Problem::new(source, "server.addr", message));
            return layer;
        };
        let addr = below.get("server.addr").and_then(|addr| {
            let addr = addr.as_str()?;
            addr.parse::<SocketAddr>().ok()
        });
        // An address that cannot be read is the walker's to report.
        if let Some(mut addr) = addr {
            if let Some(other @ Source::Variable(_)) = below.place("server.addr")
                && addr.port() != port
            {
                warnings.push(format!(
                    "PORT and {other} set different ports of `server.addr`; PORT is used, on the address of {other}"
                ));
            }
            addr.set_port(port);
            let keys = ["server".to_owned(), "addr".to_owned()];
            let source = Source::Variable("PORT".into());
            insert(
                &mut layer,
                &keys,
                &addr.to_string(),
                &source,
                root,
                problems,
            );
        }
        layer
    }
}

/// The keys that are meant by names without case.
pub(super) fn keys<'a>(names: impl Iterator<Item = &'a str>, root: Node<'_>) -> Vec<String> {
    let mut at = Some(root);
    names
        .map(|name| {
            let key = Node::key(at, name, true);
            at = at.and_then(|node| node.child(&key));
            key
        })
        .collect()
}

/// Adds a text to a layer as what the schema makes of it.
pub(super) fn insert(
    layer: &mut Layer,
    keys: &[String],
    text: &str,
    source: &Source,
    root: Node<'_>,
    problems: &mut Vec<Problem>,
) {
    if keys.len() > LEVELS {
        let message = format!("a key has at most {LEVELS} levels");
        problems.push(Problem::new(source.clone(), "", message));
        return;
    }
    let key = keys.join(".");
    if keys.iter().any(String::is_empty) {
        let message = format!("`{key}` has a level without a name");
        problems.push(Problem::new(source.clone(), key, message));
        return;
    }
    let value = coerce(text, root.descend(keys));
    if let Err(other) = layer.insert(keys, value, source) {
        let message = format!("`{key}` contradicts {other}; set one of the two");
        problems.push(Problem::new(source.clone(), key, message));
    }
}
