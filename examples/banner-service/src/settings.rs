//! The section `banner` of the configuration.

use std::num::{NonZeroU16, NonZeroU32};

use msa_core::config::Secret;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::store::Address;

/// What can be set under `[banner]`; read once at start.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct BannerSettings {
    /// Where the schedule is kept: `sqlite://<file>` or `postgres://<user>:<password>@<host>/<database>`. A secret,
    /// because a PostgreSQL address carries a password. `DATABASE_URL` sets it too. Defaults to `sqlite://banner.db`.
    #[serde(deserialize_with = "usable_url")]
    pub database_url: Secret,
    /// Connections that the service opens to PostgreSQL at most. SQLite has one that writes and up to four that read.
    /// Defaults to 10.
    pub max_connections: NonZeroU32,
    /// The platforms that show banners, as they are written in requests. Defaults to `["MOBILE", "DESKTOP"]`.
    pub platforms: Vec<String>,
    /// How many slots each platform has; they are numbered from 1. Defaults to 6.
    pub slots: NonZeroU16,
}

impl Default for BannerSettings {
    fn default() -> Self {
        const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
        const SIX: NonZeroU16 = NonZeroU16::new(6).unwrap();
        Self {
            database_url: Secret::new("sqlite://banner.db"),
            max_connections: TEN,
            platforms: vec!["MOBILE".to_owned(), "DESKTOP".to_owned()],
            slots: SIX,
        }
    }
}

/// Refuses an address of no use while the configuration is read, where its source is known.
fn usable_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let url = Secret::deserialize(deserializer)?;
    url.get().parse::<Address>().map_err(D::Error::custom)?;
    Ok(url)
}
