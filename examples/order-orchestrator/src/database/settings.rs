//! `[database]`.

use msa_core::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service's own database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct DatabaseSettings {
    /// A SQLite URL, such as `sqlite:///var/lib/shop/orders.db`; the file is made when it is not there. `DATABASE_URL`
    /// sets it too. Defaults to `<service>.db` in the working directory.
    pub url: Option<String>,
    /// How long a request waits for another writer before it is answered 503. Default `2s`, below the usual timeout of
    /// an attempt (3 s), so that the caller hears the reason.
    pub busy_timeout: Span,
    /// Connections that are open at the same time, at least 1. Default 8.
    pub max_connections: u32,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: None,
            busy_timeout: Span::secs(2),
            max_connections: 8,
        }
    }
}
