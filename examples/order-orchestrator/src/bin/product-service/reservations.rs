//! Stock that is set aside for an order, all lines or none.
//!
//! A reservation is named by its caller. So it can be asked for again after a lost answer, and given back without its
//! answer ever having arrived: a release that comes before its reservation is written down, and refuses it.

use std::fmt;

use serde::Serialize;
use shop::database::{Database, DatabaseError, Write};
use shop::items::{Item, Items};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

/// A reservation that is held.
#[derive(Debug, Serialize)]
pub(crate) struct Reservation {
    id: String,
    lines: Vec<Line>,
}

/// One line of it, with name and price as they are from now on for this order.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    sku: String,
    name: String,
    quantity: i64,
    price_minor: i64,
    currency: String,
}

impl FromRow<'_, SqliteRow> for Line {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            quantity: row.try_get("quantity")?,
            price_minor: row.try_get("price_minor")?,
            currency: row.try_get("currency")?,
        })
    }
}

/// What came of asking for a reservation.
#[derive(Debug)]
pub(crate) enum Outcome {
    Held(Reservation),
    /// There is not enough of these.
    OutOfStock(Vec<Shortage>),
    /// There are no such products.
    Unknown(Vec<String>),
    /// The id stands for another request.
    OtherRequest,
    /// The id's reservation was given back already.
    Released,
}

/// A line that cannot be served.
#[derive(Debug, Serialize)]
pub(crate) struct Shortage {
    sku: String,
    requested: u32,
    available: i64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sku,
            requested,
            available,
        } = self;
        write!(f, "{available} of {sku} left, {requested} asked for")
    }
}

/// The reservations.
#[derive(Debug, Clone)]
pub(crate) struct Reservations {
    database: Database,
}

impl Reservations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Sets the stock aside, or finds that it was set aside already.
    pub(crate) async fn hold(&self, id: &str, items: &Items) -> Result<Outcome, DatabaseError> {
        let mut write = self.database.write().await?;
        let request = items.fingerprint();
        if let Some(known) = known(&mut write, id).await? {
            return match known {
                (_, state) if state == "released" => Ok(Outcome::Released),
                (Some(asked), _) if asked == request => reservation(&mut write, id).await,
                _ => Ok(Outcome::OtherRequest),
            };
        }
        sqlx::query("INSERT INTO reservations (id, request, state) VALUES (?, ?, 'held')")
            .bind(id)
            .bind(request)
            .execute(write.connection())
            .await?;
        let (mut short, mut unknown) = (Vec::new(), Vec::new());
        for (line, item) in (0_i64..).zip(items.lines()) {
            if take(&mut write, id, line, item).await? {
                continue;
            }
            match available(&mut write, &item.sku).await? {
                None => unknown.push(item.sku.clone()),
                Some(available) => short.push(Shortage {
                    sku: item.sku.clone(),
                    requested: item.quantity,
                    available,
                }),
            }
        }
        // Leaving without a commit gives back what the other lines took.
        if !unknown.is_empty() {
            return Ok(Outcome::Unknown(unknown));
        }
        if !short.is_empty() {
            return Ok(Outcome::OutOfStock(short));
        }
        let outcome = reservation(&mut write, id).await?;
        write.commit().await?;
        Ok(outcome)
    }

    /// Gives the stock back. Doing it again, or before the reservation came, is as good.
    pub(crate) async fn release(&self, id: &str) -> Result<(), DatabaseError> {
        let mut write = self.database.write().await?;
        sqlx::query(
            "UPDATE products SET stock = stock + line.quantity
             FROM reservation_lines AS line
             JOIN reservations AS held ON held.id = line.reservation_id AND held.state = 'held'
             WHERE line.reservation_id = ? AND line.sku = products.sku",
        )
        .bind(id)
        .execute(write.connection())
        .await?;
        sqlx::query(
            "INSERT INTO reservations (id, request, state) VALUES (?, NULL, 'released')
             ON CONFLICT (id) DO UPDATE SET state = 'released'",
        )
        .bind(id)
        .execute(write.connection())
        .await?;
        write.commit().await
    }
}

async fn known(
    write: &mut Write,
    id: &str,
) -> Result<Option<(Option<String>, String)>, sqlx::Error> {
    sqlx::query_as("SELECT request, state FROM reservations WHERE id = ?")
        .bind(id)
        .fetch_optional(write.connection())
        .await
}

/// Takes one line's stock; `false` when there is no such product or not enough of it.
async fn take(write: &mut Write, id: &str, line: i64, item: &Item) -> Result<bool, sqlx::Error> {
    let taken =
        sqlx::query("UPDATE products SET stock = stock - ?1 WHERE sku = ?2 AND stock >= ?1")
            .bind(item.quantity)
            .bind(&item.sku)
            .execute(write.connection())
            .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO reservation_lines (reservation_id, line, sku, name, quantity, price_minor, currency)
         SELECT ?, ?, sku, name, ?, price_minor, currency FROM products WHERE sku = ?",
    )
    .bind(id)
    .bind(line)
    .bind(item.quantity)
    .bind(&item.sku)
    .execute(write.connection())
    .await?;
    Ok(true)
}

async fn available(write: &mut Write, sku: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT stock FROM products WHERE sku = ?")
        .bind(sku)
        .fetch_optional(write.connection())
        .await
}

async fn reservation(write: &mut Write, id: &str) -> Result<Outcome, DatabaseError> {
    let query = sqlx::query_as(
        "SELECT sku, name, quantity, price_minor, currency FROM reservation_lines
         WHERE reservation_id = ? ORDER BY line",
    );
    let lines = query.bind(id).fetch_all(write.connection()).await?;
    Ok(Outcome::Held(Reservation {
        id: id.to_owned(),
        lines,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, MIGRATIONS};
    use shop::database::{DatabaseSettings, SqliteUrl};

    struct Shop {
        catalogue: Catalogue,
        reservations: Reservations,
        _dir: tempfile::TempDir,
    }

    async fn shop() -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = DatabaseSettings::default();
        settings.url = Some(SqliteUrl::file(&dir.path().join("p.db")));
        let database = Database::new(&settings, "product-service", MIGRATIONS);
        let catalogue = Catalogue::new(database.clone());
        catalogue.seed().await.unwrap();
        Shop {
            catalogue,
            reservations: Reservations::new(database),
            _dir: dir,
        }
    }

    impl Shop {
        async fn stock(&self, sku: &str) -> i64 {
            let product = self.catalogue.find(sku).await.unwrap().unwrap();
            serde_json::to_value(product).unwrap()["stock"]
                .as_i64()
                .unwrap()
        }

        async fn hold(&self, id: &str, lines: &[(&str, u32)]) -> Outcome {
            let lines = lines
                .iter()
                .map(|(sku, quantity)| serde_json::json!({"sku": sku, "quantity": quantity}));
            let items = serde_json::from_value(lines.collect()).unwrap();
            self.reservations.hold(id, &items).await.unwrap()
        }
    }

    #[tokio::test]
    async fn the_same_request_again_takes_nothing_more() {
        let shop = shop().await;
        for _ in 0..3 {
            let outcome = shop.hold("r", &[("LAMP-DESK", 2)]).await;
            assert!(matches!(outcome, Outcome::Held(_)), "{outcome:?}");
        }
        assert_eq!(shop.stock("LAMP-DESK").await, 1);
        let outcome = shop.hold("r", &[("LAMP-DESK", 1)]).await;
        assert!(matches!(outcome, Outcome::OtherRequest), "{outcome:?}");
    }

    #[tokio::test]
    async fn all_lines_are_held_or_none() {
        let shop = shop().await;
        let outcome = shop.hold("r", &[("MUG-BLUE", 1), ("LAMP-DESK", 4)]).await;
        let Outcome::OutOfStock(short) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            (short[0].sku.as_str(), short[0].available),
            ("LAMP-DESK", 3)
        );
        let outcome = shop.hold("r", &[("MUG-BLUE", 1), ("GONE", 4)]).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        assert_eq!(shop.stock("MUG-BLUE").await, 500);
        let outcome = shop.hold("r", &[("MUG-BLUE", 1)]).await;
        assert!(
            matches!(outcome, Outcome::Held(_)),
            "a refusal leaves the id free"
        );
    }

    #[tokio::test]
    async fn stock_is_given_back_once() {
        let shop = shop().await;
        shop.hold("r", &[("LAMP-DESK", 2), ("MUG-BLUE", 5)]).await;
        shop.hold("s", &[("LAMP-DESK", 1)]).await;
        for _ in 0..2 {
            shop.reservations.release("r").await.unwrap();
        }
        assert_eq!(shop.stock("LAMP-DESK").await, 2);
        assert_eq!(shop.stock("MUG-BLUE").await, 500);
        let outcome = shop.hold("r", &[("LAMP-DESK", 2), ("MUG-BLUE", 5)]).await;
        assert!(matches!(outcome, Outcome::Released), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_release_that_overtakes_its_reservation_refuses_it() {
        let shop = shop().await;
        shop.reservations.release("late").await.unwrap();
        let outcome = shop.hold("late", &[("LAMP-DESK", 1)]).await;
        assert!(matches!(outcome, Outcome::Released), "{outcome:?}");
        assert_eq!(shop.stock("LAMP-DESK").await, 3);
    }

    #[tokio::test]
    async fn the_last_lamp_is_held_once_however_many_ask_at_the_same_time() {
        let shop = std::sync::Arc::new(shop().await);
        shop.hold("first", &[("LAMP-DESK", 2)]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..20 {
            let shop = shop.clone();
            tasks.spawn(async move { shop.hold(&format!("r{n}"), &[("LAMP-DESK", 1)]).await });
        }
        let outcomes = tasks.join_all().await;
        let held = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Held(_)));
        assert_eq!(held.count(), 1);
        assert_eq!(shop.stock("LAMP-DESK").await, 0);
    }
}
