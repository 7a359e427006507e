//! The file itself: opened when it is first used, migrated, watched, and opened again when it was replaced.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::store::{CHECK_PATIENCE, StoreError, apply};

const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "schedule",
    include_str!("../../../migrations/sqlite/0001_schedule.sql"),
)];

/// How long a request waits for the file's lock, or for its turn, before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

const READERS: u32 = 4;

/// A cheap handle to an SQLite file.
#[derive(Debug, Clone)]
pub(super) struct File(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    options: SqliteConnectOptions,
    opened: RwLock<Option<Opened>>,
    opening: Arc<Mutex<()>>,
}

/// The connections to a file, and which file that was.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    identity: Identity,
    pub(super) read: SqlitePool,
    pub(super) write: SqlitePool,
}

/// A database in memory is refused: it would be another one for each connection.
pub(super) fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    const WRONG: StoreError = StoreError::Url("must name a file, such as sqlite://banner.db");
    let options: SqliteConnectOptions = url.parse().map_err(|_| WRONG)?;
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    if in_memory || options.get_filename().as_os_str().is_empty() {
        return Err(WRONG);
    }
    Ok(options
        .journal_mode(SqliteJournalMode::Wal)
        // With WAL this loses at worst the last commits when the power fails, never the file.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(PATIENCE))
}

impl File {
    /// The file that the address names. Nothing is opened yet.
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        let path = options.get_filename().to_owned();
        let (opened, opening) = (RwLock::new(None), Arc::default());
        Self(Arc::new(Inner {
            path,
            options,
            opened,
            opening,
        }))
    }

    /// The connections to the file as it is now.
    ///
    /// SQLite would go on with a file that was deleted or replaced under it, and everything written would be lost with
    /// the last connection. So each use looks whether the file is still the one that was opened.
    pub(super) async fn open(&self) -> Result<Opened, StoreError> {
        if let Some(opened) = self.current()? {
            return Ok(opened);
        }
        let too_long = |_| self.unavailable("locked, or still being migrated");
        let Ok(turn) = self.0.opening.clone().try_lock_owned() else {
            let waited = timeout(PATIENCE, self.0.opening.lock()).await;
            drop(waited.map_err(too_long)?);
            return self
                .current()?
                .ok_or_else(|| self.unavailable("could not be opened"));
        };
        // Whoever had the turn before may have opened it meanwhile.
        if let Some(opened) = self.current()? {
            return Ok(opened);
        }
        // A task of its own: whoever gives up waiting must not undo a migration that takes its time.
        let store = self.clone();
        let opening = msa_core::spawn(async move {
            let opened = store.connect().await;
            drop(turn);
            opened
        });
        let opened = timeout(PATIENCE, opening).await.map_err(too_long)?;
        opened.unwrap_or_else(|failed| Err(self.unavailable(failed)))
    }

    /// Opens the file, creates or updates its tables, and keeps the connections for everybody.
    async fn connect(&self) -> Result<Opened, StoreError> {
        // A file that vanishes later is an accident: an empty one in its place would hide it.
        let first_time = self.opened().is_none();
        let options = self.0.options.clone().create_if_missing(first_time);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .connect_lazy_with(options.clone())
        };
        let (read, write) = (pool(READERS), pool(1));
        // Several processes may start on one file: IMMEDIATE lets one of them migrate and the others find it done.
        let begin = write.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begin.map_err(|error| match StoreError::from(error) {
            StoreError::Unavailable(reason) => self.unavailable(reason),
            other => other,
        })?;
        apply(MIGRATIONS, &mut *transaction).await?;
        transaction.commit().await?;
        let identity = self.identity().map_err(|error| self.unavailable(error))?;
        let opened = Opened {
            identity,
            read,
            write,
        };
        *self
            .0
            .opened
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
        Ok(opened)
    }

    /// The connections that are open, if they still lead to the file of that name.
    fn current(&self) -> Result<Option<Opened>, StoreError> {
        let Some(opened) = self.opened() else {
            return Ok(None);
        };
        let identity = self.identity().map_err(|error| self.unavailable(error))?;
        Ok((opened.identity == identity).then_some(opened))
    }

    fn opened(&self) -> Option<Opened> {
        self.0
            .opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn identity(&self) -> io::Result<Identity> {
        std::fs::metadata(&self.0.path).map(|metadata| identity_of(&metadata))
    }

    fn unavailable(&self, reason: impl std::fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("{}: {reason}", self.0.path.display()))
    }

    /// Creates the tables, or brings them up to date, however long that takes.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let _turn = self.0.opening.lock().await;
        self.connect().await.map(drop)
    }

    /// Whether the file is there and takes writes.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let probe = async {
            let opened = self.open().await?;
            // Only a writer notices that somebody else holds the file's lock.
            Ok(opened
                .write
                .begin_with("BEGIN IMMEDIATE")
                .await?
                .rollback()
                .await?)
        };
        let too_long = |_| Err(self.unavailable("locked, or still being migrated"));
        timeout(CHECK_PATIENCE, probe)
            .await
            .unwrap_or_else(too_long)
    }

    pub(super) async fn close(&self) {
        if let Some(opened) = self.opened() {
            opened.read.close().await;
            opened.write.close().await;
        }
    }
}

/// What tells a file from another of the same name. While a connection is open, its inode number is not given anew.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// What tells a file from another of the same name; other systems hardly let an open file be replaced anyway.
#[cfg(not(unix))]
type Identity = Option<std::time::SystemTime>;
#[cfg(not(unix))]
fn identity_of(metadata: &Metadata) -> Identity {
    metadata.created().ok()
}
