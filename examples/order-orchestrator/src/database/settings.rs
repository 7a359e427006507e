//! `[database]`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use msa_core::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;

/// A service's own database.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct DatabaseSettings {
    /// The file, such as `sqlite:///var/lib/shop/orders.db`; it is made when it is not there. `DATABASE_URL` sets it too.
    /// Defaults to `<service>.db` in the working directory.
    pub url: Option<SqliteUrl>,
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

/// Where a SQLite file is: checked when the configuration is read, so that a mistake is told with the rest of them.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SqliteUrl {
    text: String,
    options: SqliteConnectOptions,
}

/// A text is no address of a SQLite file.
#[derive(Debug, thiserror::Error)]
#[error("{0}; write it as sqlite:///path/to/file.db")]
pub struct SqliteUrlError(String);

impl SqliteUrl {
    /// The URL of a file.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self {
            text: format!("sqlite:{}", path.display()),
            options: SqliteConnectOptions::new().filename(path),
        }
    }

    pub(super) fn options(&self) -> SqliteConnectOptions {
        self.options.clone()
    }
}

impl FromStr for SqliteUrl {
    type Err = SqliteUrlError;

    fn from_str(text: &str) -> Result<Self, SqliteUrlError> {
        if !text.starts_with("sqlite:") {
            return Err(SqliteUrlError("not a database of SQLite".to_owned()));
        }
        if text.contains(":memory:") || text.contains("mode=memory") {
            let reason = "a database in memory would forget everything at once";
            return Err(SqliteUrlError(reason.to_owned()));
        }
        let options = SqliteConnectOptions::from_str(text)
            .map_err(|error| SqliteUrlError(error.to_string()))?;
        Ok(Self {
            text: text.to_owned(),
            options,
        })
    }
}

impl TryFrom<String> for SqliteUrl {
    type Error = SqliteUrlError;

    fn try_from(text: String) -> Result<Self, SqliteUrlError> {
        text.parse()
    }
}

impl From<SqliteUrl> for String {
    fn from(url: SqliteUrl) -> Self {
        url.text
    }
}

impl fmt::Debug for SqliteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteUrl").field(&self.text).finish()
    }
}
