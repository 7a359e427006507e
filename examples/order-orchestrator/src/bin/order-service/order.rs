//! An order, as it comes and as it is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop::items::Items;

use crate::stock::Line;

/// What is to be ordered, by whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) user: User,
    pub(crate) items: Items,
    /// The banner that was shown with the order; kept as it is, for whoever counts what banners sell.
    #[serde(default)]
    pub(crate) banner: Value,
}

/// The user as of the order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) name: String,
}

impl Wanted {
    /// What makes two requests the same: who, what and how many. The user's name and the banner may change between two tries.
    pub(crate) fn fingerprint(&self) -> String {
        format!("user {}: {}", self.user.id, self.items.fingerprint())
    }
}

/// An order that was placed. Money is in minor units (cents) of the currency.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) user: User,
    pub(crate) lines: Vec<Line>,
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    pub(crate) banner: Value,
    pub(crate) placed_at: Timestamp,
}

/// Why reserved lines make no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsellable {
    #[error("the items are priced in different currencies; order them apart")]
    Currencies,
    #[error("the total is above {0} minor units, the most for one order")]
    Total(i64),
}

impl Order {
    /// Makes an order of the lines that were reserved for it.
    pub(crate) fn new(
        id: String,
        wanted: &Wanted,
        lines: Vec<Line>,
        max_total_minor: i64,
        placed_at: Timestamp,
    ) -> Result<Self, Unsellable> {
        let mut total_minor = 0_i64;
        let mut currency = None;
        for line in &lines {
            if *currency.get_or_insert(&line.currency) != &line.currency {
                return Err(Unsellable::Currencies);
            }
            total_minor = line
                .price_minor
                .checked_mul(line.quantity)
                .and_then(|price| total_minor.checked_add(price))
                .filter(|total| *total <= max_total_minor)
                .ok_or(Unsellable::Total(max_total_minor))?;
        }
        Ok(Self {
            id,
            user: wanted.user.clone(),
            total_minor,
            currency: currency.cloned().unwrap_or_default(),
            lines,
            banner: wanted.banner.clone(),
            placed_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &[(i64, i64, &str)], max: i64) -> Result<Order, Unsellable> {
        let wanted = serde_json::json!({"user": {"id": 1}, "items": [{"sku": "a", "quantity": 1}]});
        let lines = lines.iter().map(|&(price_minor, quantity, currency)| Line {
            sku: "a".to_owned(),
            name: "A".to_owned(),
            quantity,
            price_minor,
            currency: currency.to_owned(),
        });
        let wanted = serde_json::from_value(wanted).unwrap();
        Order::new(
            "o".to_owned(),
            &wanted,
            lines.collect(),
            max,
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn a_total_is_exact_or_refused() {
        let placed = order(&[(1_290, 2, "EUR"), (3_990, 1, "EUR")], 6_570).unwrap();
        assert_eq!(
            (placed.total_minor, placed.currency.as_str()),
            (6_570, "EUR")
        );
        let over = order(&[(1_290, 2, "EUR"), (3_990, 1, "EUR")], 6_569);
        assert_eq!(over.unwrap_err(), Unsellable::Total(6_569));
        let overflow = order(&[(i64::MAX, 1_000, "EUR")], i64::MAX);
        assert_eq!(overflow.unwrap_err(), Unsellable::Total(i64::MAX));
        let mixed = order(&[(1, 1, "EUR"), (1, 1, "USD")], 100);
        assert_eq!(mixed.unwrap_err(), Unsellable::Currencies);
    }
}
