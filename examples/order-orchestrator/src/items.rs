//! What is ordered, as it travels from the client over three services.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The most lines of one order: each costs a call to product-service.
pub const MAX_LINES: usize = 32;

/// The most pieces of one product in an order.
pub const MAX_QUANTITY: u32 = 1000;

/// One line: so many of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The product: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[serde(alias = "product_id")]
    pub sku: String,
    /// How many: 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
}

/// 1 to [`MAX_LINES`] lines, each of another product. There is no other way to get one than through these rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Item>")]
pub struct Items(Vec<Item>);

/// A list of lines breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemsError {
    /// Too few or too many lines.
    #[error("an order has 1 to {MAX_LINES} items, this one has {0}")]
    Count(usize),
    /// No product has such a name.
    #[error("items[{0}].sku must be 1 to 64 letters, digits, dots, dashes or underscores")]
    Sku(usize),
    /// Too few or too many of a product.
    #[error("items[{0}].quantity must be 1 to {MAX_QUANTITY}")]
    Quantity(usize),
    /// Two lines of one product.
    #[error("items[{0}].sku is in the list already: add the quantities up")]
    Twice(usize),
}

impl Items {
    /// The lines in the order in which they were given.
    #[must_use]
    pub fn lines(&self) -> &[Item] {
        &self.0
    }

    /// The same text for the same products and quantities, in whatever order they were listed.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let by_sku: BTreeMap<_, _> = self.0.iter().map(|item| (&item.sku, item)).collect();
        let mut text = String::new();
        for item in by_sku.values() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{} x {};", item.quantity, item.sku);
        }
        text
    }
}

impl TryFrom<Vec<Item>> for Items {
    type Error = ItemsError;

    fn try_from(items: Vec<Item>) -> Result<Self, ItemsError> {
        if !(1..=MAX_LINES).contains(&items.len()) {
            return Err(ItemsError::Count(items.len()));
        }
        for (n, item) in items.iter().enumerate() {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
            if !(1..=64).contains(&item.sku.len()) || !item.sku.bytes().all(legal) {
                return Err(ItemsError::Sku(n));
            }
            if !(1..=MAX_QUANTITY).contains(&item.quantity) {
                return Err(ItemsError::Quantity(n));
            }
            if items.iter().take(n).any(|other| other.sku == item.sku) {
                return Err(ItemsError::Twice(n));
            }
        }
        Ok(Self(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(lines: &[(&str, u32)]) -> Result<Items, ItemsError> {
        let lines = lines.iter().map(|&(sku, quantity)| Item {
            sku: sku.to_owned(),
            quantity,
        });
        Items::try_from(lines.collect::<Vec<_>>())
    }

    #[test]
    fn each_rule_names_the_line_that_breaks_it() {
        assert_eq!(items(&[]), Err(ItemsError::Count(0)));
        assert_eq!(items(&[("a", 1), ("a/b", 1)]), Err(ItemsError::Sku(1)));
        assert_eq!(items(&[("", 1)]), Err(ItemsError::Sku(0)));
        assert_eq!(items(&[("a", 0)]), Err(ItemsError::Quantity(0)));
        assert_eq!(items(&[("a", 1001)]), Err(ItemsError::Quantity(0)));
        assert_eq!(
            items(&[("a", 1), ("b", 1), ("a", 1)]),
            Err(ItemsError::Twice(2))
        );
        let many: Vec<_> = (0..33).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(|sku| (sku.as_str(), 1)).collect();
        assert_eq!(items(&many), Err(ItemsError::Count(33)));
    }

    #[test]
    fn a_fingerprint_depends_on_what_is_ordered_and_not_on_how_it_is_listed() {
        let one = items(&[("b", 2), ("a", 1)]).unwrap().fingerprint();
        assert_eq!(one, items(&[("a", 1), ("b", 2)]).unwrap().fingerprint());
        assert_ne!(one, items(&[("a", 2), ("b", 1)]).unwrap().fingerprint());
    }
}
