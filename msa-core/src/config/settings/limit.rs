//! `client.limit` and `server.overload`: how many requests may be in flight.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Span};

/// Whether a limit limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum LimitMode {
    /// It is not there.
    #[default]
    Off,
    /// It counts, learns and tells what it would have done, and lets everybody in.
    Dark,
    /// It turns away what is too much.
    On,
}

/// Who finds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum LimitAlgorithm {
    /// By the ratio of the latency without load to the latency now.
    #[default]
    Gradient,
    /// By the estimated length of the queue.
    Vegas,
    /// Up by one while all is well, down by a tenth at a loss.
    Aimd,
    /// Always `initial`.
    Fixed,
}

/// How many calls to a service may be in flight at once, found out while they run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct LimitSettings {
    /// Whether it limits: `dark` only tells what it would have done.
    pub mode: LimitMode,
    /// Who finds the limit.
    pub algorithm: LimitAlgorithm,
    /// Where it begins, 1 or more; with `fixed` where it stays.
    #[schemars(range(min = 1))]
    pub initial: u32,
    /// Never below this, 1 or more.
    #[schemars(range(min = 1))]
    pub min: u32,
    /// Never above this, which wins over `min`; 1 or more.
    #[schemars(range(min = 1))]
    pub max: u32,
    /// A latency that counts as a loss, for `aimd`.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub loss_after: Span,
    /// Who may wait for a place.
    pub queue: LimitQueueSettings,
    /// Up to which part of the limit each criticality is let in.
    pub shares: LimitShareSettings,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            mode: LimitMode::Off,
            algorithm: LimitAlgorithm::Gradient,
            initial: 20,
            min: 5,
            max: 1000,
            loss_after: Span::secs(5),
            queue: LimitQueueSettings::default(),
            shares: LimitShareSettings::default(),
        }
    }
}

/// Protection of the server against more requests than it can do at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OverloadSettings {
    /// Whether it turns requests away: `dark` only tells what it would have done.
    pub mode: LimitMode,
    /// Who finds the limit.
    pub algorithm: LimitAlgorithm,
    /// Where it begins, 1 or more; with `fixed` where it stays.
    #[schemars(range(min = 1))]
    pub initial: u32,
    /// Never below this, 1 or more.
    #[schemars(range(min = 1))]
    pub min: u32,
    /// Never above this, which wins over `min`; 1 or more.
    #[schemars(range(min = 1))]
    pub max: u32,
    /// A latency that counts as a loss, for `aimd`.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub loss_after: Span,
    /// Who may wait for a place.
    pub queue: LimitQueueSettings,
    /// Up to which part of the limit each criticality is let in.
    pub shares: LimitShareSettings,
    /// What is known of routes, as they are written in the router: `/reports/{id}`.
    pub routes: OverloadRouteSettings,
}

impl Default for OverloadSettings {
    fn default() -> Self {
        let limit = LimitSettings::default();
        Self {
            mode: LimitMode::Dark,
            algorithm: limit.algorithm,
            initial: limit.initial,
            min: limit.min,
            max: limit.max,
            loss_after: limit.loss_after,
            queue: limit.queue,
            shares: limit.shares,
            routes: OverloadRouteSettings::default(),
        }
    }
}

/// How much routes matter, whatever a request says of itself. None by default: a request's `x-msa-criticality` tells, else it
/// is `default`. A route in several lists is in the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct OverloadRouteSettings {
    /// Let in past the limit and not counted. Probes and the management listener never meet the limit anyway.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub exempt: Vec<String>,
    /// What must not fail while anything works.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub critical: Vec<String>,
    /// What a user waits for.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub default: Vec<String>,
    /// Work whose loss is expected now and then.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub sheddable: Vec<String>,
    /// Work that may wait for hours.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub background: Vec<String>,
}

/// Who may wait for a place within a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct LimitQueueSettings {
    /// How many may wait; 0 is no queue.
    pub length: usize,
    /// The longest wait that a good queue comes down to.
    #[schemars(extend("x-msa-min" = "1us"))]
    pub target: Span,
    /// How long it may take to come down to it.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub interval: Span,
    /// Nobody waits longer.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub max_wait: Span,
    /// Whether the newest go first while the queue stands.
    pub adaptive_lifo: bool,
}

impl Default for LimitQueueSettings {
    fn default() -> Self {
        Self {
            length: 100,
            target: Span::millis(5),
            interval: Span::millis(100),
            max_wait: Span::millis(100),
            adaptive_lifo: true,
        }
    }
}

/// Up to which part of the limit each criticality is let in; all requests in flight count. A class has at least the share of
/// the classes below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct LimitShareSettings {
    /// Of `background`.
    pub background: Percent,
    /// Of `sheddable`.
    pub sheddable: Percent,
    /// Of `default`.
    pub default: Percent,
    /// Of `critical`.
    pub critical: Percent,
}

impl Default for LimitShareSettings {
    fn default() -> Self {
        Self {
            background: Percent::new(50),
            sheddable: Percent::new(75),
            default: Percent::ALL,
            critical: Percent::ALL,
        }
    }
}
