//! The configuration as a service meets it: layers, errors, secrets, reload.

// The lints spare `#[test]` functions only, and these helpers are theirs.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::BTreeMap;

use msa_core::config::{Loader, Secret, Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[path = "config/errors.rs"]
mod errors;
#[path = "config/fuzz.rs"]
mod fuzz;
#[path = "config/layers.rs"]
mod layers;
#[path = "config/output.rs"]
mod output;
#[path = "config/reload.rs"]
mod reload;

/// A section such as a service brings, with one field of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Banner {
    /// Where the banners are kept.
    database_url: Secret,
    token: Option<Secret>,
    /// How many slots a platform has.
    #[schemars(range(min = 1, max = 50))]
    slots: u32,
    ratio: f64,
    enabled: bool,
    platforms: Vec<String>,
    cache: Size,
    ttl: Option<Span>,
    #[schemars(extend("x-msa-restart" = true))]
    storage: Storage,
    mode: Mode,
    labels: BTreeMap<String, String>,
    ports: BTreeMap<u16, String>,
    /// A plain text that is hidden by its mark.
    #[schemars(extend("writeOnly" = true))]
    pin: String,
}

impl Default for Banner {
    fn default() -> Self {
        Self {
            database_url: Secret::new("sqlite://default-canary"),
            token: None,
            slots: 6,
            ratio: 0.5,
            enabled: true,
            platforms: vec!["MOBILE".into(), "DESKTOP".into()],
            cache: Size::mib(1),
            ttl: None,
            storage: Storage::Memory,
            mode: Mode::Fast,
            labels: BTreeMap::new(),
            ports: BTreeMap::new(),
            pin: "pin-canary".into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Fast,
    VerySafe,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Storage {
    Memory,
    Disk { path: String, sync: bool },
}

/// A loader that sees nothing of the machine that the test runs on.
fn loader(toml: &str, env: &[(&str, &str)]) -> Loader {
    Loader::new("banner-service")
        .section::<Banner>("banner")
        .env_alias("DATABASE_URL", "banner.database_url")
        .toml_str("msa.toml", toml)
        .env(env.iter().copied())
}

/// Everything that a configuration is refused for.
fn refused(toml: &str, env: &[(&str, &str)]) -> String {
    loader(toml, env).load().unwrap_err().to_string()
}
