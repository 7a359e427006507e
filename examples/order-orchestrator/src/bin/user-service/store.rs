//! The users' table.

use serde::Serialize;
use shop::database::{Database, DatabaseError, Migrations};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

pub(crate) const MIGRATIONS: Migrations = &[(
    1,
    "users",
    include_str!("../../../migrations/user-service/0001_users.sql"),
)];

const SAMPLES: [(i64, &str, &str); 3] = [
    (1, "Ada", "ada@example.com"),
    (2, "Grace", "grace@example.com"),
    (3, "Barbara", "barbara@example.com"),
];

/// A user as the service tells of one.
#[derive(Debug, Serialize)]
pub(crate) struct User {
    id: i64,
    name: String,
    email: String,
}

impl FromRow<'_, SqliteRow> for User {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
        })
    }
}

/// The users.
#[derive(Debug, Clone)]
pub(crate) struct Users {
    database: Database,
}

impl Users {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(crate) async fn find(&self, id: i64) -> Result<Option<User>, DatabaseError> {
        let query = sqlx::query_as("SELECT id, name, email FROM users WHERE id = ?").bind(id);
        Ok(query.fetch_optional(&self.database.read().await?).await?)
    }

    /// Inserts the samples that are not there yet.
    pub(crate) async fn seed(&self) -> Result<(), DatabaseError> {
        let mut write = self.database.write().await?;
        for (id, name, email) in SAMPLES {
            sqlx::query(
                "INSERT INTO users (id, name, email) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(name)
            .bind(email)
            .execute(write.connection())
            .await?;
        }
        write.commit().await
    }
}
