//! An embedded database that needs nobody: it makes and migrates itself at the first use, and comes back by itself.
//!
//! The service starts without it. While the file cannot be opened, is locked or is gone, readiness says so and requests
//! are answered 503 with `Retry-After`; once it is back, both recover without a restart.

mod attend;
mod error;
mod settings;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

pub use attend::attend;
pub use error::DatabaseError;
pub use settings::{DatabaseSettings, SqliteUrl, SqliteUrlError};

/// The steps that made the tables what they are, oldest first: number, name, SQL. One that was released never changes.
pub type Migrations = &'static [(i64, &'static str, &'static str)];

/// A service's own database. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    options: SqliteConnectOptions,
    file: PathBuf,
    migrations: Migrations,
    max_connections: u32,
    busy_timeout: Duration,
    /// SQLite has one writer at a time, and lets the others poll for their turn. Here they queue instead, in order.
    turn: Arc<Semaphore>,
    state: RwLock<State>,
}

enum State {
    /// Never opened: the file may be made.
    New,
    Open(SqlitePool, FileId),
    /// Another file, or none, has taken the place of the one that was open. Making a new one would hide that the data is gone.
    Lost,
}

impl Database {
    /// Names the database; nothing is opened yet. Without a URL it is `<service>.db` in the working directory.
    #[must_use]
    pub fn new(settings: &DatabaseSettings, service: &str, migrations: Migrations) -> Self {
        let busy_timeout = settings.busy_timeout.get();
        let url = settings.url.clone();
        let url = url.unwrap_or_else(|| SqliteUrl::file(Path::new(&format!("{service}.db"))));
        let options = url
            .options()
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal) // readers go on while somebody writes
            .synchronous(SqliteSynchronous::Normal) // as safe against a crash of the process; SQLite's advice for WAL
            .busy_timeout(busy_timeout);
        Self(Arc::new(Inner {
            file: options.get_filename().to_path_buf(),
            options,
            migrations,
            max_connections: settings.max_connections.max(1),
            busy_timeout,
            turn: Arc::new(Semaphore::new(1)),
            state: RwLock::new(State::New),
        }))
    }

    /// Opens it, makes it when it was never there, and brings its tables up to date.
    ///
    /// # Errors
    /// When that cannot be done now. It is tried again at every use.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        self.read().await.map(drop)
    }

    /// The pool, for reading.
    ///
    /// # Errors
    /// When it is not open and cannot be opened now.
    pub async fn read(&self) -> Result<SqlitePool, DatabaseError> {
        self.open().await.map(|(pool, _)| pool)
    }

    /// SQLite goes on with a file that was deleted or replaced under it, and everything written is lost with the last
    /// connection. So each use looks whether the file is still the one that was opened.
    async fn open(&self) -> Result<(SqlitePool, FileId), DatabaseError> {
        if let Some(open) = self.0.current(&*self.0.state.read().await) {
            return Ok(open);
        }
        let mut state = self.0.state.write().await;
        if let Some(open) = self.0.current(&state) {
            return Ok(open); // somebody else was faster
        }
        if matches!(*state, State::Open(..)) {
            *state = State::Lost;
        }
        let (pool, id) = self.0.open(matches!(*state, State::New)).await?;
        *state = State::Open(pool.clone(), id);
        Ok((pool, id))
    }

    /// Begins to write. Dropped without [`Write::commit`], nothing was written.
    ///
    /// # Errors
    /// [`DatabaseError::Busy`] when another writer keeps the lock for longer than the configured time.
    pub async fn write(&self) -> Result<Write, DatabaseError> {
        let (pool, id) = self.open().await?;
        let turn = Arc::clone(&self.0.turn).acquire_owned();
        let turn = tokio::time::timeout(self.0.busy_timeout, turn).await;
        // The semaphore is never closed, so an error is only the timeout.
        let Ok(Ok(turn)) = turn else {
            return Err(DatabaseError::Busy);
        };
        // IMMEDIATE takes the lock at once: to read first and upgrade later is how two writers of SQLite deadlock.
        let transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write {
            database: self.clone(),
            id,
            transaction,
            _turn: turn,
        })
    }

    /// The readiness check: the file that was opened is still there, and can be written to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self) -> Result<(), DatabaseError> {
        self.write().await.map(drop)
    }

    /// Closes it, so that nothing is left in the write-ahead log.
    pub async fn close(&self) {
        let state = std::mem::replace(&mut *self.0.state.write().await, State::Lost);
        if let State::Open(pool, _) = state {
            pool.close().await;
        }
    }
}

impl Inner {
    /// What is open, if it still is the file of that name.
    fn current(&self, state: &State) -> Option<(SqlitePool, FileId)> {
        match state {
            State::Open(pool, id) if self.holds(*id) => Some((pool.clone(), *id)),
            _ => None,
        }
    }

    fn holds(&self, id: FileId) -> bool {
        FileId::of(&self.file) == Some(id)
    }

    fn missing(&self) -> DatabaseError {
        DatabaseError::Missing {
            file: self.file.clone(),
        }
    }

    async fn open(&self, create: bool) -> Result<(SqlitePool, FileId), DatabaseError> {
        if !create && FileId::of(&self.file).is_none() {
            return Err(self.missing());
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.busy_timeout)
            .connect_with(self.options.clone().create_if_missing(create))
            .await
            .map_err(|error| match error {
                // Nobody else has a connection of this pool yet: it is the file that lets none be made.
                sqlx::Error::PoolTimedOut => DatabaseError::Busy,
                error => error.into(),
            })?;
        self.migrate(&pool).await?;
        let id = FileId::of(&self.file).ok_or_else(|| self.missing())?;
        Ok((pool, id))
    }

    async fn migrate(&self, pool: &SqlitePool) -> Result<(), DatabaseError> {
        let migration = |&(number, name, sql): &(i64, &'static str, &'static str)| {
            let sql = sqlx::SqlStr::from_static(sql);
            Migration::new(number, name.into(), MigrationType::Simple, sql, false)
        };
        let migrator = Migrator::with_migrations(self.migrations.iter().map(migration).collect());
        let mut connection = pool.acquire().await?;
        // Not `Migrator::run`: the compiler cannot see that its future is Send.
        Ok(migrator.run_direct(None, &mut *connection, false).await?)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.0.file).finish()
    }
}

/// A write that has the database's only lock.
#[derive(Debug)]
#[must_use = "dropped, it writes nothing"]
pub struct Write {
    database: Database,
    /// The file that is written to.
    id: FileId,
    // Declared before the turn, and so given back first.
    transaction: Transaction<'static, Sqlite>,
    _turn: OwnedSemaphorePermit,
}

impl Write {
    /// The connection to write on.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Makes it last.
    ///
    /// # Errors
    /// When the database refuses; nothing was written then. [`DatabaseError::Missing`] when the file was taken away
    /// meanwhile: what was written is gone with it.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.transaction.commit().await?;
        if !self.database.0.holds(self.id) {
            return Err(self.database.0.missing());
        }
        Ok(())
    }
}

/// Which file stands behind a path: an open connection stays with the old one when another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path).ok()?;
        Some(Self(meta.dev(), meta.ino()))
    }

    /// Elsewhere an open file cannot be replaced: it is enough to see that it is there.
    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        path.is_file().then_some(Self(0, 0))
    }
}
