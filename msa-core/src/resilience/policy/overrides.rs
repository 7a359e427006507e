//! Laying what the configuration sets over what the program built, key by key.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::{PolicyOverrides, PolicySettings};

impl PolicySettings {
    /// These, with the sections of the other where it has them.
    pub(super) fn overlaid(&self, above: &Self) -> Self {
        Self {
            enabled: above.enabled.or(self.enabled),
            fallback: above.fallback.clone().or_else(|| self.fallback.clone()),
            cached: above.cached.clone().or_else(|| self.cached.clone()),
            hedge: above.hedge.clone().or_else(|| self.hedge.clone()),
            timeout: above.timeout.or(self.timeout),
            attempt_timeout: above.attempt_timeout.or(self.attempt_timeout),
            bulkhead: above.bulkhead.clone().or_else(|| self.bulkhead.clone()),
            rate_limit: above.rate_limit.clone().or_else(|| self.rate_limit.clone()),
            retry: above.retry.clone().or_else(|| self.retry.clone()),
            breaker: above.breaker.clone().or_else(|| self.breaker.clone()),
            throttle: above.throttle.clone().or_else(|| self.throttle.clone()),
        }
    }

    /// The sections that are overridden: what is set there, over these settings, over the defaults. Other sections are left out.
    pub(super) fn overridden(&self, overrides: &PolicyOverrides) -> Self {
        let above = overrides.as_map();
        Self {
            enabled: read(above, "enabled", &self.enabled),
            fallback: read(above, "fallback", &self.fallback),
            cached: read(above, "cached", &self.cached),
            hedge: read(above, "hedge", &self.hedge),
            timeout: read(above, "timeout", &self.timeout),
            attempt_timeout: read(above, "attempt_timeout", &self.attempt_timeout),
            bulkhead: read(above, "bulkhead", &self.bulkhead),
            rate_limit: read(above, "rate_limit", &self.rate_limit),
            retry: read(above, "retry", &self.retry),
            breaker: read(above, "breaker", &self.breaker),
            throttle: read(above, "throttle", &self.throttle),
        }
    }
}

fn read<T: Serialize + DeserializeOwned>(
    above: &Map<String, Value>,
    key: &str,
    below: &Option<T>,
) -> Option<T> {
    let above = above.get(key).filter(|value| !value.is_null())?.clone();
    let below = below.as_ref().and_then(|t| serde_json::to_value(t).ok());
    let merged = below.map_or_else(|| above.clone(), |below| overlay(below, above.clone()));
    // An override was read as settings before, and settings read what they write, so it always is some.
    serde_json::from_value(merged).ok()
}

fn overlay(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) => {
            for (key, value) in above {
                let merged = match below.remove(&key) {
                    Some(old) => overlay(old, value),
                    None => value,
                };
                below.insert(key, merged);
            }
            Value::Object(below)
        }
        (_, above) => above,
    }
}
