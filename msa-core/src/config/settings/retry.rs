//! `client.retry`: whether, when and how often a call is tried again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RetryCondition;
use crate::config::{Percent, Size, Span};

/// Trying again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct RetrySettings {
    /// How many attempts may follow the first; 0 switches retries off.
    #[schemars(range(max = 100))]
    pub max_retries: u32,
    /// After what: statuses such as `503`, and Envoy's names: `5xx`, `gateway-error`, `reset`, `connect-failure`,
    /// `refused-stream`, `attempt-timeout`, `retriable-4xx`, `envoy-ratelimited`, and gRPC's statuses in lower case, such as
    /// `unavailable`. What may have been processed is sent again only when it is idempotent.
    pub on: Vec<RetryCondition>,
    /// The wait before a retry.
    pub backoff: BackoffSettings,
    /// No retry starts later than this after the call did. None by default: the call's deadline is enough.
    #[schemars(extend("x-msa-min" = "1ms"))]
    pub max_duration: Option<Span>,
    /// How much of a request's streamed body is kept to send it again; a longer one is sent once.
    #[schemars(extend("x-msa-max" = "16MiB"))]
    pub replay_limit: Size,
    /// How many retries the destination is sent by this process.
    pub budget: RetryBudgetSettings,
    /// Whether retries are only decided and reported.
    pub dark: bool,
}

impl Default for RetrySettings {
    fn default() -> Self {
        use RetryCondition::{AttemptTimeout, ConnectFailure, RefusedStream, Reset, Status};
        Self {
            max_retries: 2,
            on: vec![
                ConnectFailure,
                RefusedStream,
                Reset,
                AttemptTimeout,
                Status(429),
                Status(502),
                Status(503),
                Status(504),
            ],
            backoff: BackoffSettings::default(),
            max_duration: None,
            replay_limit: Size::kib(64),
            budget: RetryBudgetSettings::default(),
            dark: false,
        }
    }
}

impl RetrySettings {
    /// The defaults for a function with attributes: as elsewhere, but `on` is `5xx`, which takes in 500 and leaves out 429. A function's
    /// failures are judged by its own service, which knows better than a caller what a 500 is; and no 4xx gets better by itself.
    #[must_use]
    pub fn of_function() -> Self {
        Self {
            on: vec![RetryCondition::ServerError],
            ..Self::default()
        }
    }
}

/// The wait before a retry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
#[non_exhaustive]
pub struct BackoffSettings {
    /// How the wait grows and is spread.
    pub kind: BackoffKind,
    /// The first wait.
    pub base: Span,
    /// The longest wait.
    pub max: Span,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            kind: BackoffKind::FullJitter,
            base: Span::millis(25),
            max: Span::secs(1),
        }
    }
}

/// How the wait grows and is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum BackoffKind {
    /// Any time up to twice the one before.
    #[default]
    FullJitter,
    /// At least half of twice the one before.
    EqualJitter,
    /// Any time from `base` to three times the last wait.
    Decorrelated,
    /// Twice the one before, in all clients alike.
    Exponential,
    /// Always `base`.
    Fixed,
}

/// How many retries the destination is sent by this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
#[non_exhaustive]
pub struct RetryBudgetSettings {
    /// By which rule.
    pub kind: BudgetKind,
    /// For `window`: the share of the calls that may be tried again.
    pub ratio: Percent,
    /// For `window`: the retries a second there may be besides.
    #[schemars(range(max = 1_000_000))]
    pub min_per_second: u32,
    /// For `window`: how long calls and retries count.
    #[schemars(extend("x-msa-min" = "1s", "x-msa-max" = "10m"))]
    pub window: Span,
    /// For `throttle`: the tokens there are at first.
    #[schemars(range(min = 1, max = 1000))]
    pub max_tokens: u32,
    /// For `throttle`: what a success gives back.
    #[schemars(range(min = 0.001, max = 1000.0))]
    pub token_ratio: f64,
}

impl Default for RetryBudgetSettings {
    fn default() -> Self {
        Self {
            kind: BudgetKind::Window,
            ratio: Percent::new(20),
            min_per_second: 10,
            window: Span::secs(10),
            max_tokens: 10,
            token_ratio: 0.1,
        }
    }
}

/// The rule of a retry budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[non_exhaustive]
pub enum BudgetKind {
    /// A share of the calls of a window, and some a second.
    #[default]
    Window,
    /// gRPC's: while more than half of the tokens are there.
    Throttle,
    /// No limit.
    None,
}
