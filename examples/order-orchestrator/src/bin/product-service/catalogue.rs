//! The products.

use serde::Serialize;
use shop::database::{Database, DatabaseError, Migrations};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

pub(crate) const MIGRATIONS: Migrations = &[(
    1,
    "products and reservations",
    include_str!("../../../migrations/product-service/0001_products_and_reservations.sql"),
)];

const SAMPLES: [(&str, &str, i64, i64); 4] = [
    ("BOOK-RUST", "The book of services", 3_990, 100_000),
    ("LAMP-DESK", "Desk lamp", 8_900, 3),
    ("MUG-BLUE", "Blue mug", 1_290, 500),
    ("TEE-M", "T-shirt, medium", 2_500, 40),
];

/// A product as the service tells of one. Money is in minor units (cents) of the currency.
#[derive(Debug, Serialize)]
pub(crate) struct Product {
    sku: String,
    name: String,
    price_minor: i64,
    currency: String,
    stock: i64,
}

impl FromRow<'_, SqliteRow> for Product {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            price_minor: row.try_get("price_minor")?,
            currency: row.try_get("currency")?,
            stock: row.try_get("stock")?,
        })
    }
}

/// The products.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    database: Database,
}

impl Catalogue {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Product>, DatabaseError> {
        let query = sqlx::query_as(
            "SELECT sku, name, price_minor, currency, stock FROM products WHERE sku = ?",
        );
        Ok(query
            .bind(sku)
            .fetch_optional(&self.database.read().await?)
            .await?)
    }

    /// At most `limit` products behind `after`, in the order of their SKUs.
    pub(crate) async fn list(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Product>, DatabaseError> {
        let query = sqlx::query_as(
            "SELECT sku, name, price_minor, currency, stock FROM products
             WHERE sku > ? ORDER BY sku LIMIT ?",
        );
        let query = query.bind(after).bind(limit);
        Ok(query.fetch_all(&self.database.read().await?).await?)
    }

    /// Inserts the samples that are not there yet; what is there keeps its stock.
    pub(crate) async fn seed(&self) -> Result<(), DatabaseError> {
        let mut write = self.database.write().await?;
        for (sku, name, price_minor, stock) in SAMPLES {
            sqlx::query(
                "INSERT INTO products (sku, name, price_minor, currency, stock)
                 VALUES (?, ?, ?, 'EUR', ?) ON CONFLICT DO NOTHING",
            )
            .bind(sku)
            .bind(name)
            .bind(price_minor)
            .bind(stock)
            .execute(write.connection())
            .await?;
        }
        write.commit().await
    }
}
