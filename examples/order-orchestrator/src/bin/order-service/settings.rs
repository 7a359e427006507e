//! `[order]`.

use msa_core::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How orders are placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct OrderSettings {
    /// The highest total of an order, in minor units of its currency. Default 100 000 000.
    pub(crate) max_total_minor: i64,
    /// How long one request may work on an order before another under the same key may take it over. Longer than any
    /// request may take. Default `60s`.
    pub(crate) lease: Span,
    /// How long a request waits for another under the same key, before it is told to come again. Default `2s`.
    pub(crate) wait: Span,
    /// After so long without an answer an order is given up, and its stock too. Longer than callers try again. Default `10m`.
    pub(crate) abandon_after: Span,
    /// How often it is looked for stock to be given back. Default `5s`.
    pub(crate) sweep_interval: Span,
}

impl Default for OrderSettings {
    fn default() -> Self {
        Self {
            max_total_minor: 100_000_000,
            lease: Span::secs(60),
            wait: Span::secs(2),
            abandon_after: Span::secs(600),
            sweep_interval: Span::secs(5),
        }
    }
}
