//! `client.hedge`: a second attempt beside one that takes long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BudgetKind, RetryBudgetSettings};
use crate::config::{Percent, Span};

/// A further attempt beside one that takes long. Off until switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct HedgeSettings {
    /// Whether idempotent calls are hedged.
    pub enabled: bool,
    /// The further attempt starts when the first takes longer than this share of the destination's answers did lately.
    #[schemars(extend("x-msa-min" = "50%", "x-msa-max" = "99.99%"))]
    pub percentile: Percent,
    /// A fixed wait instead of the percentile. None by default.
    pub delay: Option<Span>,
    /// The shortest wait that a percentile may lead to.
    pub min_delay: Span,
    /// The most attempts that run beside the first.
    #[schemars(range(min = 1, max = 5))]
    pub max_extra: u32,
    /// How many further attempts the destination is sent by this process.
    pub budget: RetryBudgetSettings,
    /// Whether further attempts are only decided and reported.
    pub dark: bool,
}

impl Default for HedgeSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            percentile: Percent::new(95),
            delay: None,
            min_delay: Span::millis(1),
            max_extra: 1,
            budget: RetryBudgetSettings {
                kind: BudgetKind::Window,
                // Twice what the percentile asks for: the budget is for bad times, and must not bind in good ones.
                ratio: Percent::new(10),
                min_per_second: 1,
                ..RetryBudgetSettings::default()
            },
            dark: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_budget_has_room_for_bursts_of_what_the_default_percentile_asks_for() {
        let settings = HedgeSettings::default();
        let asked = 1.0 - settings.percentile.fraction();
        assert!(settings.budget.ratio.fraction() > 1.9 * asked);
    }
}
