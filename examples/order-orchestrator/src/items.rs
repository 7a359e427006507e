//! What is ordered, as it travels from the client over three services.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The most lines of one order: each costs a call to product-service.
pub const MAX_LINES: usize = 32;

/// The most pieces of one product in an order.
pub const MAX_QUANTITY: u32 = 1000;

/// One line: so many of a product.
///
/// Each field checks itself where it is read, so that the answer names the field and not the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The product: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[serde(alias = "product_id", deserialize_with = "sku")]
    pub sku: String,
    /// How many: 1 to [`MAX_QUANTITY`].
    #[serde(deserialize_with = "quantity")]
    pub quantity: u32,
}

fn sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    const RULE: &str = "must be 1 to 64 letters, digits, dots, dashes or underscores";
    let sku = String::deserialize(deserializer)?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    let good = (1..=64).contains(&sku.len()) && sku.bytes().all(legal);
    good.then_some(sku).ok_or_else(|| D::Error::custom(RULE))
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let quantity = u32::deserialize(deserializer)?;
    let good = (1..=MAX_QUANTITY).contains(&quantity);
    let rule = || D::Error::custom(format!("must be 1 to {MAX_QUANTITY}"));
    good.then_some(quantity).ok_or_else(rule)
}

/// 1 to [`MAX_LINES`] lines, each of another product. There is no other way to get one than to read one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Items(Vec<Item>);

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

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Lines)
    }
}

/// Reads the list.
struct Lines;

impl<'de> Visitor<'de> for Lines {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of 1 to {MAX_LINES} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Items, A::Error> {
        let mut lines = Vec::new();
        while let Some(line) = sequence.next_element_seed(Next { others: &lines })? {
            lines.push(line);
            if lines.len() > MAX_LINES {
                return Err(A::Error::invalid_length(lines.len(), &self));
            }
        }
        if lines.is_empty() {
            return Err(A::Error::invalid_length(0, &self));
        }
        Ok(Items(lines))
    }
}

/// Reads a line that stands behind `others`.
struct Next<'a> {
    others: &'a [Item],
}

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        let item = Item::deserialize(deserializer)?;
        if self.others.iter().any(|other| other.sku == item.sku) {
            let rule = "names a sku that is in the list already: add the quantities up";
            return Err(D::Error::custom(rule));
        }
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn items(lines: &[(&str, u32)]) -> Items {
        let lines = lines
            .iter()
            .map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
        serde_json::from_value(lines.collect()).unwrap()
    }

    /// The fields that are named when a route is sent this list.
    async fn wrong(lines: Value) -> Vec<String> {
        use axum::extract::FromRequest as _;

        #[derive(Debug, Deserialize)]
        struct Wanted {
            #[allow(dead_code)] // read by the deserializer
            items: Items,
        }
        let body = json!({ "items": lines }).to_string();
        let request = axum::http::Request::post("/").header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let read = msa_core::problem::Json::<Wanted>::from_request(request, &()).await;
        let Err(problem) = read else {
            return Vec::new();
        };
        let document = problem.to_json();
        let errors = document["errors"].as_array().unwrap().iter();
        errors
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    }

    fn line(sku: &str, quantity: i64) -> Value {
        json!({"sku": sku, "quantity": quantity})
    }

    #[tokio::test]
    async fn each_rule_names_the_field_that_breaks_it() {
        assert_eq!(
            wrong(json!([line("a", 1), line("b.c_d-e", 1000)])).await,
            [""; 0]
        );
        assert_eq!(wrong(json!([])).await, ["#/items"]);
        assert_eq!(
            wrong(json!([line("a", 0), line("a/b", 1001), line("", 1)])).await,
            [
                "#/items/0/quantity",
                "#/items/1/quantity",
                "#/items/1/sku",
                "#/items/2/sku"
            ]
        );
        assert_eq!(
            wrong(json!([line("a", 1), line("b", 1), line("a", 1)])).await,
            ["#/items/2"]
        );
        assert_eq!(
            wrong(json!([{"sku": "a", "quantity": 1, "amount": 2}])).await,
            ["#/items/0/amount"]
        );
        let many: Vec<_> = (0..33).map(|n| line(&n.to_string(), 1)).collect();
        assert_eq!(wrong(json!(many)).await, ["#/items"]);
    }

    #[test]
    fn a_fingerprint_depends_on_what_is_ordered_and_not_on_how_it_is_listed() {
        let one = items(&[("b", 2), ("a", 1)]).fingerprint();
        assert_eq!(one, items(&[("a", 1), ("b", 2)]).fingerprint());
        assert_ne!(one, items(&[("a", 2), ("b", 1)]).fingerprint());
    }
}
