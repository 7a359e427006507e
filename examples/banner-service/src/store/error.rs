//! What can go wrong, told apart by what the caller can do about it.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use crate::model::Placement;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address of the database is of no use. It is not repeated here: it may hold a password.
    #[error("the address of the database {0}")]
    Url(&'static str),
    /// What was named does not exist.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `banner` or `placement`.
        what: &'static str,
        /// The id that was asked for.
        id: i64,
    },
    /// The slot is taken for some of that time.
    #[error("the slot is taken by placement {}", .0.id)]
    Taken(Box<Placement>),
    /// The database cannot be reached, is locked or has no room: it may help to come back.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The tables are missing or older than this program.
    #[error("the tables are missing or out of date: run `banner-service migrate`")]
    NotMigrated,
    /// The tables were made by a newer program, or changed by hand.
    #[error("the tables do not fit this program: {0}")]
    Migration(MigrateError),
    /// Anything else: a fault of this program or of the database.
    #[error(transparent)]
    Database(sqlx::Error),
}

/// Why a placement was not written, before the store knows who is in the way.
pub(super) enum Refused {
    Overlap,
    Other(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Migration(other),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
        match &error {
            Database(cause) => match Condition::of(cause.as_ref()) {
                Condition::Passing => Self::Unavailable(cause.message().to_owned()),
                Condition::NoSuchTable => Self::NotMigrated,
                Condition::Fault => Self::Database(error),
            },
            PoolTimedOut => Self::Unavailable(
                "no connection in time: all are busy, or there is no answer".into(),
            ),
            Io(_) | Tls(_) | PoolClosed | WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

/// What a database's own error code means for a request.
enum Condition {
    /// Locked, shutting down, full, not yet reachable: the same request may succeed later.
    Passing,
    NoSuchTable,
    Fault,
}

impl Condition {
    fn of(error: &dyn DatabaseError) -> Self {
        let code = error.code().unwrap_or_default();
        match code.parse::<i32>() {
            // SQLSTATE has five characters, SQLite's extended codes are numbers of at most four.
            Ok(number) if code.len() < 5 => Self::of_sqlite(number),
            _ => Self::of_sqlstate(&code),
        }
    }

    /// <https://sqlite.org/rescode.html>; the low byte is the primary code.
    fn of_sqlite(code: i32) -> Self {
        const BUSY: i32 = 5;
        const LOCKED: i32 = 6;
        const READONLY: i32 = 8;
        const IOERR: i32 = 10;
        const FULL: i32 = 13;
        const CANTOPEN: i32 = 14;
        match code & 0xff {
            BUSY | LOCKED | READONLY | IOERR | FULL | CANTOPEN => Self::Passing,
            _ => Self::Fault,
        }
    }

    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>; the first two characters are the class.
    fn of_sqlstate(code: &str) -> Self {
        match code {
            "42P01" => Self::NoSuchTable,
            // The database itself is missing; this server has become a standby; a lock was not to be had.
            "3D000" | "25006" | "55P03" => Self::Passing,
            // Connection, login, rollback (deadlock), resources, operator's intervention, system.
            _ if ["08", "28", "40", "53", "57", "58"]
                .iter()
                .any(|c| code.starts_with(c)) =>
            {
                Self::Passing
            }
            _ => Self::Fault,
        }
    }
}
