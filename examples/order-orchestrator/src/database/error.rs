//! What can be wrong with the database, and what a caller hears of it.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::StatusCode;
use msa_core::problem::Problem;
use sqlx::migrate::MigrateError;

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file that was open is gone.
    #[error("the database file {} is gone; put it back", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// Somebody else writes for too long.
    #[error("the database is locked by another writer; try again when it has finished")]
    Busy,
    /// The tables could not be brought up to date.
    #[error("cannot migrate the database")]
    Migrate(#[source] MigrateError),
    /// A statement failed.
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(BUSY | LOCKED) => Self::Busy,
            _ => Self::Sql(error),
        }
    }
}

impl From<MigrateError> for DatabaseError {
    fn from(error: MigrateError) -> Self {
        let cause = match &error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => cause,
            _ => return Self::Migrate(error),
        };
        match primary_code(cause) {
            Some(BUSY | LOCKED) => Self::Busy,
            _ => Self::Migrate(error),
        }
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const IO_ERROR: u32 = 10;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;

impl DatabaseError {
    /// Whether trying again later may help: it is the database that cannot, not the statement that is wrong.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Busy => true,
            Self::Sql(error)
            | Self::Migrate(
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
            ) => is_unavailable(error),
            Self::Migrate(_) => false,
        }
    }
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        error => matches!(
            primary_code(error),
            Some(BUSY | LOCKED | READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN)
        ),
    }
}

/// SQLite's result code without its extension, which is in the higher bytes.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

impl From<DatabaseError> for Problem {
    /// 503 with `Retry-After` while the database cannot; 500 for what is a mistake of the service. The reason goes to the
    /// log, since it may name files.
    fn from(error: DatabaseError) -> Self {
        let error: &(dyn std::error::Error + 'static) = &error;
        if error
            .downcast_ref()
            .is_some_and(DatabaseError::is_unavailable)
        {
            tracing::warn!(error, "the database is not available");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE)
                .title("Database not available")
                .detail("nothing was changed; try again")
                .retry_after(Duration::from_secs(1));
        }
        tracing::error!(error, "the database refused a statement");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
