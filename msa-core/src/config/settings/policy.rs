//! `policies.<name>`: what the configuration overrides of a program's own policies.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    BreakerSettings, BulkheadSettings, CachedSettings, FallbackSettings, HedgeSettings,
    RateLimitSettings, RetrySettings, ThrottleSettings,
};
use crate::config::Span;

/// The parts of a policy: [`policy`](crate::resilience::policy). What is not set is not there, or as the program built it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PolicySettings {
    /// `false` takes the whole policy away: the function is called as if it had none. `true` unless set.
    pub enabled: Option<bool>,
    /// The most that a call may take in total: attempts and all waits; `0s` is no limit.
    pub timeout: Option<Span>,
    /// The most that one attempt may take; `0s` is no limit.
    pub attempt_timeout: Option<Span>,
    /// What stands in for a failure, where the program says what.
    pub fallback: Option<FallbackSettings>,
    /// Giving the last answer for the same key again, where the program says what the key is.
    pub cached: Option<CachedSettings>,
    /// How many calls run at a time.
    pub bulkhead: Option<BulkheadSettings>,
    /// How many calls begin a time.
    pub rate_limit: Option<RateLimitSettings>,
    /// Trying again.
    pub retry: Option<RetrySettings>,
    /// A further attempt beside one that takes long.
    pub hedge: Option<HedgeSettings>,
    /// When to stop calling.
    pub breaker: Option<BreakerSettings>,
    /// Turning calls away in proportion to what the callee refuses.
    pub throttle: Option<ThrottleSettings>,
}

/// What the configuration sets of a policy, and nothing that it does not: keys as in [`PolicySettings`].
///
/// The program's own settings show through where a key is not set, which the typed form could not tell from a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PolicyOverrides(Map<String, Value>);

impl PolicyOverrides {
    pub(crate) fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PolicyOverrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::deserialize(deserializer)?;
        // Refused here and not when it is applied.
        let read: Result<PolicySettings, _> = serde_json::from_value(Value::Object(map.clone()));
        read.map_err(de::Error::custom)?;
        Ok(Self(map))
    }
}

impl JsonSchema for PolicyOverrides {
    fn schema_name() -> Cow<'static, str> {
        PolicySettings::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        PolicySettings::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        PolicySettings::json_schema(generator)
    }
}
