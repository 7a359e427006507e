//! The orders that were accepted, and those that are stored.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use msa_tests::{Cluster, Error, http};
use serde::Serialize;
use serde_json::Value;

use super::customers::{End, Outcome, SKU};

/// How many orders a page has.
const PAGE: usize = 500;

/// What is in the database from the beginning.
const SAMPLE: &str = "sample";

/// What was asked for, what was promised, and what is there.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Balance {
    /// Orders that somebody placed.
    pub(crate) asked: usize,
    /// Those of them that had to be asked for more than once.
    pub(crate) asked_again: usize,
    /// Orders that were answered with an id.
    pub(crate) accepted: usize,
    /// Orders that order-service has.
    pub(crate) stored: usize,
    /// Orders that were answered with a no.
    pub(crate) refused: usize,
    /// Orders that never got an answer.
    pub(crate) unanswered: usize,
    /// Accepted, and not stored.
    pub(crate) lost: usize,
    /// Stored, and not accepted under that id: a second one of an order, or one of nobody.
    pub(crate) twice: usize,
    /// Two customers who were told the same id.
    pub(crate) shared: usize,
    /// Pieces in the accepted orders.
    pub(crate) pieces_sold: i64,
    /// Pieces that the stock has less than before.
    pub(crate) pieces_gone: i64,
}

impl Balance {
    /// Asks the services, which all run again.
    pub(crate) fn draw(
        cluster: &Cluster,
        asked: usize,
        orders: &[Outcome],
        before: i64,
    ) -> Result<Self, Error> {
        let stored = stored(cluster.addr("order-service")?)?;
        Ok(Self::of(asked, orders, &stored, before - stock(cluster)?))
    }

    fn of(asked: usize, orders: &[Outcome], stored: &[String], pieces_gone: i64) -> Self {
        let mut balance = Self {
            asked,
            stored: stored.len(),
            pieces_gone,
            ..Self::default()
        };
        // By id: how many customers were told it, and how many orders are stored under it.
        let mut ids: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for order in orders {
            balance.asked_again += usize::from(order.tries > 1);
            match &order.end {
                End::Accepted(id) => {
                    balance.accepted += 1;
                    balance.pieces_sold += order.pieces;
                    ids.entry(id).or_default().0 += 1;
                }
                End::Refused(_) => balance.refused += 1,
                End::Unanswered => balance.unanswered += 1,
            }
        }
        for id in stored {
            ids.entry(id).or_default().1 += 1;
        }
        for (told, stored) in ids.into_values() {
            balance.lost += usize::from(told > 0 && stored == 0);
            balance.twice += stored.saturating_sub(told.min(1));
            balance.shared += told.saturating_sub(1);
        }
        balance
    }

    /// Every order was answered, is stored once, and took its stock once.
    pub(crate) fn holds(&self) -> bool {
        self.accepted == self.asked
            && self.stored == self.accepted
            && self.refused + self.unanswered + self.lost + self.twice + self.shared == 0
            && self.pieces_gone == self.pieces_sold
    }
}

/// How many pieces there are.
pub(crate) fn stock(cluster: &Cluster) -> Result<i64, Error> {
    let product = ask(
        cluster.addr("product-service")?,
        &format!("/products/{SKU}"),
    )?;
    let stock = product.get("stock").and_then(Value::as_i64);
    stock.ok_or_else(|| unreadable(&product))
}

/// The ids of all orders, as often as they are there.
fn stored(addr: SocketAddr) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().map_or("", String::as_str);
        let page = ask(addr, &format!("/orders?limit={PAGE}&after={after}"))?;
        let orders = page.as_array().ok_or_else(|| unreadable(&page))?;
        for order in orders {
            let id = order.get("id").and_then(Value::as_str);
            ids.push(id.ok_or_else(|| unreadable(order))?.to_owned());
        }
        if orders.len() < PAGE {
            break;
        }
    }
    ids.retain(|id| id != SAMPLE);
    Ok(ids)
}

fn ask(addr: SocketAddr, path: &str) -> Result<Value, Error> {
    Ok(http::get(addr, path).send()?.json())
}

fn unreadable(answer: &Value) -> Error {
    Error::Io {
        what: "a service's answer is not what it should be".to_owned(),
        source: std::io::Error::other(answer.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(ids: &[&str]) -> Vec<Outcome> {
        let accepted = |id: &&str| Outcome {
            pieces: 2,
            tries: 1,
            end: End::Accepted((*id).to_owned()),
        };
        ids.iter().map(accepted).collect()
    }

    fn draw(accepted: &[&str], stored: &[&str], gone: i64) -> Balance {
        let stored: Vec<_> = stored.iter().map(|id| (*id).to_owned()).collect();
        Balance::of(accepted.len(), &orders(accepted), &stored, gone)
    }

    #[test]
    fn the_balance_holds_only_when_each_is_stored_once_and_took_its_stock_once() {
        assert!(draw(&["a", "b"], &["b", "a"], 4).holds());
        let lost = draw(&["a", "b"], &["a"], 4);
        assert!(lost.lost == 1 && !lost.holds());
        let twice = draw(&["a", "b"], &["a", "b", "c"], 4);
        assert!(twice.twice == 1 && !twice.holds());
        let swapped = draw(&["a", "b"], &["a", "c"], 4);
        assert!((swapped.lost, swapped.twice) == (1, 1) && !swapped.holds());
        let shared = draw(&["a", "a"], &["a", "b"], 4);
        assert!(shared.shared == 1 && !shared.holds());
        assert!(
            !draw(&["a"], &["a"], 4).holds(),
            "its stock was taken twice"
        );
    }

    #[test]
    fn an_order_without_an_answer_or_without_an_outcome_does_not_pass() {
        assert!(!Balance::of(1, &[], &[], 0).holds());
        let mut orders = orders(&["a"]);
        orders[0].end = End::Unanswered;
        assert!(!Balance::of(1, &orders, &[], 0).holds());
    }
}
