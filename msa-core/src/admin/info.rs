//! `/info`: which program this is, and since when.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shown;
use crate::clock::{self, Instant};

/// What msa-core was built and tested with; a program's own lock file may have later ones of the same major version.
const TESTED_WITH: [(&str, &str); 8] = [
    ("axum", "0.8.9"),
    ("http", "1.5.0"),
    ("hyper", "1.12.0"),
    ("reqwest", "0.13.5"),
    ("reqwest-middleware", "0.5.2"),
    ("rustls", "0.23.46"),
    ("tokio", "1.54.1"),
    ("tower", "0.5.3"),
];

/// Which program this is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) version: Option<String>,
    /// What the program tells of its build.
    pub(crate) build: Vec<(String, String)>,
    pub(crate) started: Instant,
}

/// The page.
pub(super) async fn show(State(shown): State<Shown>) -> Json<Value> {
    let now = clock::now();
    let identity = &shown.identity;
    let up = now.saturating_duration_since(identity.started);
    let started = clock::system().checked_sub(up);
    let started = started.map(|started| humantime::format_rfc3339_millis(started).to_string());
    let build: serde_json::Map<String, Value> = (identity.build.iter())
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    let tested: serde_json::Map<String, Value> = (TESTED_WITH.iter())
        .map(|(name, version)| ((*name).to_owned(), (*version).into()))
        .collect();
    Json(json!({
        "name": shown.journal.service(),
        "version": identity.version,
        "instance": shown.journal.instance(),
        "build": build,
        "msa_core": env!("CARGO_PKG_VERSION"),
        "features": features(),
        "tested_with": tested,
        "pid": std::process::id(),
        "started": started,
        "uptime": humantime::format_duration(std::time::Duration::from_secs(up.as_secs())).to_string(),
        "uptime_s": up.as_secs_f64(),
    }))
}

/// The features of msa-core that this program was built with.
fn features() -> Vec<&'static str> {
    let all = [
        ("http2", cfg!(feature = "http2")),
        ("tls", cfg!(feature = "tls")),
        ("macros", cfg!(feature = "macros")),
        ("compression", cfg!(feature = "compression")),
        ("cors", cfg!(feature = "cors")),
        ("failsafe", cfg!(feature = "failsafe")),
        ("rate-limit", cfg!(feature = "rate-limit")),
        ("fault", cfg!(feature = "fault")),
    ];
    all.iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| *name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_shown_are_those_of_the_lock_file() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let Ok(lock) = std::fs::read_to_string(lock) else {
            return; // a published crate has none
        };
        for (name, version) in TESTED_WITH {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{name} is not {version} there");
        }
    }
}
