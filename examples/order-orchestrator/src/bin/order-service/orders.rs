//! The orders that were placed.

use jiff::Timestamp;
use serde_json::{Value, json};
use shop::database::{Database, DatabaseError, Write};

use crate::order::{Order, User};

/// The orders.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    database: Database,
}

impl Orders {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The order's document, as it was answered when it was placed.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<String>, DatabaseError> {
        let query = sqlx::query_scalar("SELECT document FROM orders WHERE id = ?").bind(id);
        Ok(query.fetch_optional(&self.database.read().await?).await?)
    }

    /// At most `limit` orders behind `after`, in the order of their ids.
    pub(crate) async fn list(&self, after: &str, limit: u32) -> Result<Vec<Value>, DatabaseError> {
        let query =
            sqlx::query_scalar("SELECT document FROM orders WHERE id > ? ORDER BY id LIMIT ?");
        let query = query.bind(after).bind(limit);
        let documents: Vec<String> = query.fetch_all(&self.database.read().await?).await?;
        // Only what this service wrote itself is read back.
        let read = |document: &String| serde_json::from_str(document).unwrap_or_default();
        Ok(documents.iter().map(read).collect())
    }

    /// Inserts a sample that was never reserved, if it is not there yet.
    pub(crate) async fn seed(&self) -> Result<(), DatabaseError> {
        let sample = Order {
            id: "sample".to_owned(),
            user: User {
                id: 1,
                name: "Ada".to_owned(),
            },
            lines: Vec::new(),
            total_minor: 0,
            currency: "EUR".to_owned(),
            banner: Value::Null,
            placed_at: Timestamp::UNIX_EPOCH,
        };
        let mut write = self.database.write().await?;
        insert(&mut write, &sample).await?;
        write.commit().await
    }
}

/// Writes an order down and returns its document.
pub(crate) async fn insert(write: &mut Write, order: &Order) -> Result<String, DatabaseError> {
    let document = json!(order).to_string();
    sqlx::query(
        "INSERT INTO orders (id, user_id, placed_at_ms, document) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(&order.id)
    .bind(order.user.id)
    .bind(order.placed_at.as_millisecond())
    .bind(&document)
    .execute(write.connection())
    .await?;
    Ok(document)
}
