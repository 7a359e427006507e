//! `client.balance.<algorithm>`: what only one way of choosing an instance needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Span};

/// `ring-hash`: a key stays with its instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct RingHashSettings {
    /// The ring has at least so many places, up to 1,048,576: the more, the closer the shares come to the weights.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub min_size: u32,
    /// And at most so many, unless there are more instances. A place takes 16 bytes.
    #[schemars(range(min = 1, max = 8_388_608))]
    pub max_size: u32,
    /// An instance has at most so many times its fair share of the requests in flight; further keys go to the next one.
    /// At least 1; 0 sets no bound.
    #[schemars(range(min = 0, max = 1000))]
    pub load_factor: f32,
}

impl Default for RingHashSettings {
    fn default() -> Self {
        Self {
            min_size: 1024,
            max_size: 1_048_576,
            load_factor: 1.25,
        }
    }
}

/// `maglev`: a key stays with its instance, by a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct MaglevSettings {
    /// The size of the table, up to 5,000,011; the next prime is taken. A hundred times the number of instances is even to a per cent.
    #[schemars(range(min = 2, max = 5_000_011))]
    pub table_size: u32,
    /// As that of `ring_hash`; 0, no bound, by default.
    #[schemars(range(min = 0, max = 1000))]
    pub load_factor: f32,
}

impl Default for MaglevSettings {
    fn default() -> Self {
        Self {
            table_size: 65_537,
            load_factor: 0.0,
        }
    }
}

/// `prequal`: by what the instances report of their load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct PrequalSettings {
    /// How many reports are kept, 2 to 64.
    #[schemars(range(min = 2, max = 64))]
    pub pool_size: u32,
    /// A report is forgotten when it is older.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub max_age: Span,
    /// An instance is hot with more requests in flight than this share of the others last told.
    pub hot_quantile: Percent,
    /// At most so many probes per pick, sent only while responses bring too few reports; 0 sends none.
    #[schemars(range(min = 0, max = 10))]
    pub probe_rate: f64,
    /// How many reports are removed per pick while probes come at that rate.
    #[schemars(range(min = 0, max = 10))]
    pub remove_rate: f64,
    /// An instance that has reported nothing for so long is balanced by `p2c-ewma`.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub silent_after: Span,
}

impl Default for PrequalSettings {
    fn default() -> Self {
        Self {
            pool_size: 16,
            max_age: Span::secs(1),
            hot_quantile: Percent::new(25),
            probe_rate: 3.0,
            remove_rate: 1.0,
            silent_after: Span::secs(10),
        }
    }
}

/// Zones: the own one first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct ZoneSettings {
    /// The zone that this process stands in. None by default: instances are chosen from all zones.
    #[schemars(extend("format" = "name"))]
    pub own: Option<String>,
    /// How much of the service's callers stands in the own zone. None by default: all zones have alike.
    pub callers: Option<Percent>,
}

/// Subsets: each client speaks to a part of the instances only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct SubsetSettings {
    /// Whether there are subsets. For services with so many instances that connections to all of them cost too much.
    pub enabled: bool,
    /// About how many instances a client speaks to, in each zone when zones are told apart; at least 1.
    #[schemars(range(min = 1))]
    pub size: u32,
    /// Which of its kind this client is: a stable id that ends in its number, such as `web-7`. None by default: drawn by chance at each
    /// start, which balances less well.
    #[schemars(extend("format" = "name"))]
    pub client: Option<String>,
}

impl Default for SubsetSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            size: 20,
            client: None,
        }
    }
}
