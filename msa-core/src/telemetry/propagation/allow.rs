//! Which baggage goes to whom.

use std::collections::BTreeMap;

use crate::config::BaggageSettings;

/// Any service.
const ANY: &str = "*";

/// `telemetry.baggage`. `-` and `_` are the same in it, as everywhere in the configuration.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    all: Vec<String>,
    keys: BTreeMap<String, Vec<String>>,
}

impl Allowed {
    pub(super) fn by(settings: &BaggageSettings) -> Self {
        let plain = |names: &Vec<String>| names.iter().map(|name| name.replace('-', "_")).collect();
        Self {
            all: plain(&settings.services),
            keys: (settings.keys.iter())
                .map(|(key, services)| (key.replace('-', "_"), plain(services)))
                .collect(),
        }
    }

    /// Whether a service is sent all of it.
    pub(super) fn sends_all(&self, service: &str) -> bool {
        named(&self.all, service)
    }

    /// Whether a service is sent this member.
    pub(super) fn sends(&self, key: &str, service: &str) -> bool {
        self.keys
            .iter()
            .any(|(name, services)| same(name, key) && named(services, service))
    }
}

fn named(names: &[String], service: &str) -> bool {
    names.iter().any(|name| name == ANY || same(name, service))
}

/// Whether they are the same; `name` has no dashes any more.
fn same(name: &str, other: &str) -> bool {
    let plain = |byte| if byte == b'-' { b'_' } else { byte };
    name.len() == other.len() && name.bytes().eq(other.bytes().map(plain))
}
