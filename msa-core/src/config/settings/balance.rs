//! `client.balance`: how the instances of a service are measured and chosen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::algorithms::{
    MaglevSettings, PrequalSettings, RingHashSettings, SubsetSettings, ZoneSettings,
};
use crate::config::Span;

/// How the instances of a service are measured and chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct BalanceSettings {
    /// The time in which a measured latency, or a failure, fades to a third (1/e) of its weight.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub decay: Span,
    /// When the latency of a request ends.
    pub latency: LatencyEnd,
    /// Of how many instances, drawn by chance, `p2c-ewma` and `least-request` take the best: 2 to 16.
    #[schemars(range(min = 2, max = 16))]
    pub choices: u32,
    /// The own zone first.
    pub zone: ZoneSettings,
    /// A part of the instances only.
    pub subset: SubsetSettings,
    /// What `ring-hash` needs.
    pub ring_hash: RingHashSettings,
    /// What `maglev` needs.
    pub maglev: MaglevSettings,
    /// What `prequal` needs.
    pub prequal: PrequalSettings,
}

impl Default for BalanceSettings {
    fn default() -> Self {
        Self {
            decay: Span::secs(10),
            latency: LatencyEnd::Body,
            choices: 2,
            zone: ZoneSettings::default(),
            subset: SubsetSettings::default(),
            ring_hash: RingHashSettings::default(),
            maglev: MaglevSettings::default(),
            prequal: PrequalSettings::default(),
        }
    }
}

/// When the latency of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum LatencyEnd {
    /// With the last byte of the response's body.
    #[default]
    Body,
    /// With the response's headers: for services that stream.
    Headers,
}

/// Who picks the instance for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum BalancerName {
    /// The better of two drawn by chance: by latency, requests in flight and failures.
    #[default]
    P2cEwma,
    /// The one of two drawn by chance that has fewer requests in flight.
    LeastRequest,
    /// One after the other.
    RoundRobin,
    /// In turns by weight, spread out evenly.
    Weighted,
    /// By chance.
    Random,
    /// By the call's key, on a ring; the load of each instance is bounded.
    RingHash,
    /// By the call's key, in a table that is more even.
    Maglev,
    /// The fastest of those that are not overloaded, by what they report themselves.
    Prequal,
}

impl BalancerName {
    /// The name as the configuration has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P2cEwma => "p2c-ewma",
            Self::LeastRequest => "least-request",
            Self::RoundRobin => "round-robin",
            Self::Weighted => "weighted",
            Self::Random => "random",
            Self::RingHash => "ring-hash",
            Self::Maglev => "maglev",
            Self::Prequal => "prequal",
        }
    }
}
