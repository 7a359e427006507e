//! The schedule in an SQLite file.
//!
//! One connection writes and up to four read: SQLite has one writer at a time anyway, so writers queue here, in order,
//! rather than poll for the file's lock. In WAL mode readers and the writer do not wait for each other.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{
    SqliteArgumentsBuffer, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous, SqliteTypeInfo, SqliteValueRef,
};
use sqlx::{Decode, Encode, Type};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{CHECK_PATIENCE, Refused, StoreError, apply};
use crate::model::{
    ActiveBanner, Banner, BannerDraft, Placement, PlacementDraft, PlacementFilter, Time,
};

const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "schedule",
    include_str!("../../migrations/sqlite/0001_schedule.sql"),
)];

/// How long a request waits for the file's lock, or for its turn, before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

const READERS: u32 = 4;

/// An SQLite file, which creates and migrates itself when it is first used.
#[derive(Debug, Clone)]
pub struct Sqlite(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    options: SqliteConnectOptions,
    opened: RwLock<Option<Opened>>,
    opening: Arc<Mutex<()>>,
}

/// The connections to a file, and which file that was.
#[derive(Debug, Clone)]
struct Opened {
    identity: Identity,
    read: SqlitePool,
    write: SqlitePool,
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

impl Sqlite {
    /// The file that the address names. Nothing is opened yet.
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        let file = options.get_filename().to_owned();
        let (opened, opening) = (RwLock::new(None), Arc::default());
        Self(Arc::new(Inner {
            file,
            options,
            opened,
            opening,
        }))
    }

    /// The connections to the file as it is now.
    ///
    /// SQLite would go on with a file that was deleted or replaced under it, and everything written would be lost with
    /// the last connection. So each use looks whether the file is still the one that was opened.
    async fn open(&self) -> Result<Opened, StoreError> {
        if let Some(opened) = self.current()? {
            return Ok(opened);
        }
        let too_long = |_| self.unavailable("locked, or still being migrated");
        let Ok(turn) = self.0.opening.clone().try_lock_owned() else {
            drop(
                timeout(PATIENCE, self.0.opening.lock())
                    .await
                    .map_err(too_long)?,
            );
            return self
                .current()?
                .ok_or_else(|| self.unavailable("could not be opened"));
        };
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
        std::fs::metadata(&self.0.file).map(|metadata| identity_of(&metadata))
    }

    fn unavailable(&self, reason: impl std::fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("{}: {reason}", self.0.file.display()))
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let _turn = self.0.opening.lock().await;
        self.connect().await.map(drop)
    }

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

    pub(super) async fn banners(&self, after: i64, limit: i64) -> Result<Vec<Banner>, StoreError> {
        let sql =
            "SELECT id, title, image_url, link FROM banners WHERE id > $1 ORDER BY id LIMIT $2";
        let select = sqlx::query_as(sql).bind(after).bind(limit);
        Ok(select.fetch_all(&self.open().await?.read).await?)
    }

    pub(super) async fn banner(&self, id: i64) -> Result<Option<Banner>, StoreError> {
        let sql = "SELECT id, title, image_url, link FROM banners WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.open().await?.read)
            .await?)
    }

    pub(super) async fn add_banner(&self, draft: &BannerDraft) -> Result<Banner, StoreError> {
        let sql = "INSERT INTO banners (title, image_url, link) VALUES ($1, $2, $3)
                   RETURNING id, title, image_url, link";
        let insert = sqlx::query_as(sql)
            .bind(&draft.title)
            .bind(&draft.image_url)
            .bind(&draft.link);
        written(insert.fetch_all(&self.open().await?.write).await?)
            .ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    pub(super) async fn set_banner(
        &self,
        id: i64,
        draft: &BannerDraft,
    ) -> Result<Option<Banner>, StoreError> {
        let sql = "UPDATE banners SET title = $1, image_url = $2, link = $3 WHERE id = $4
                   RETURNING id, title, image_url, link";
        let update = sqlx::query_as(sql)
            .bind(&draft.title)
            .bind(&draft.image_url)
            .bind(&draft.link);
        Ok(written(
            update.bind(id).fetch_all(&self.open().await?.write).await?,
        ))
    }

    pub(super) async fn remove_banner(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM banners WHERE id = $1").bind(id);
        Ok(delete
            .execute(&self.open().await?.write)
            .await?
            .rows_affected()
            > 0)
    }

    pub(super) async fn placements(
        &self,
        filter: &PlacementFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE id > $1
                     AND ($2 IS NULL OR banner_id = $2)
                     AND ($3 IS NULL OR platform = $3)
                     AND ($4 IS NULL OR slot = $4)
                     AND ($5 IS NULL OR ends_at > $5)
                     AND ($6 IS NULL OR starts_at < $6)
                   ORDER BY id LIMIT $7";
        let select = sqlx::query_as(sql)
            .bind(after)
            .bind(filter.banner_id)
            .bind(&filter.platform)
            .bind(filter.slot)
            .bind(filter.from)
            .bind(filter.to)
            .bind(limit);
        Ok(select.fetch_all(&self.open().await?.read).await?)
    }

    pub(super) async fn placement(&self, id: i64) -> Result<Option<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.open().await?.read)
            .await?)
    }

    pub(super) async fn add_placement(
        &self,
        banner_id: i64,
        draft: &PlacementDraft,
    ) -> Result<Placement, Refused> {
        let sql = "INSERT INTO placements (platform, slot, starts_at, ends_at, banner_id)
                   VALUES ($1, $2, $3, $4, $5)
                   RETURNING id, banner_id, platform, slot, starts_at, ends_at";
        let insert = sqlx::query_as(sql)
            .bind(&draft.platform)
            .bind(draft.slot)
            .bind(draft.start)
            .bind(draft.end)
            .bind(banner_id);
        let rows = insert.fetch_all(&self.open().await?.write).await;
        written(rows.map_err(|error| refused(error, banner_id))?).ok_or(Refused::Other(
            StoreError::Database(sqlx::Error::RowNotFound),
        ))
    }

    pub(super) async fn set_placement(
        &self,
        id: i64,
        draft: &PlacementDraft,
    ) -> Result<Option<Placement>, Refused> {
        let sql = "UPDATE placements SET platform = $1, slot = $2, starts_at = $3, ends_at = $4
                   WHERE id = $5
                   RETURNING id, banner_id, platform, slot, starts_at, ends_at";
        let update = sqlx::query_as(sql)
            .bind(&draft.platform)
            .bind(draft.slot)
            .bind(draft.start)
            .bind(draft.end)
            .bind(id);
        let rows = update.fetch_all(&self.open().await?.write).await;
        Ok(written(rows.map_err(|error| refused(error, id))?))
    }

    pub(super) async fn remove_placement(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM placements WHERE id = $1").bind(id);
        Ok(delete
            .execute(&self.open().await?.write)
            .await?
            .rows_affected()
            > 0)
    }

    pub(super) async fn in_the_way(
        &self,
        draft: &PlacementDraft,
        moving: Option<i64>,
    ) -> Result<Option<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE platform = $1 AND slot = $2 AND starts_at < $4 AND $3 < ends_at
                     AND id IS NOT $5
                   ORDER BY starts_at LIMIT 1";
        let select = sqlx::query_as(sql)
            .bind(&draft.platform)
            .bind(draft.slot)
            .bind(draft.start)
            .bind(draft.end)
            .bind(moving);
        Ok(select.fetch_optional(&self.open().await?.read).await?)
    }

    pub(super) async fn active(
        &self,
        platform: &str,
        at: Time,
    ) -> Result<Vec<ActiveBanner>, StoreError> {
        let sql = "SELECT p.slot, p.id AS placement_id, p.starts_at, p.ends_at,
                          b.id, b.title, b.image_url, b.link
                   FROM placements AS p JOIN banners AS b ON b.id = p.banner_id
                   WHERE p.platform = $1 AND p.ends_at > $2 AND p.starts_at <= $2
                   ORDER BY p.slot";
        let select = sqlx::query_as(sql).bind(platform).bind(at);
        Ok(select.fetch_all(&self.open().await?.read).await?)
    }
}

/// The row that a write returned. SQLite hands it out before it commits, so every write here reads to the end of the
/// statement (`fetch_all`) before it believes it.
fn written<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

fn refused(error: sqlx::Error, banner_id: i64) -> Refused {
    const FOREIGN_KEY: &str = "787";
    const TRIGGER: &str = "1811";
    match error
        .as_database_error()
        .and_then(|error| error.code())
        .as_deref()
    {
        Some(TRIGGER) => Refused::Overlap,
        Some(FOREIGN_KEY) => Refused::Other(StoreError::NotFound {
            what: "banner",
            id: banner_id,
        }),
        _ => Refused::Other(error.into()),
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

impl Type<sqlx::Sqlite> for Time {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<sqlx::Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<sqlx::Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, sqlx::Sqlite> for Time {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<sqlx::Sqlite>::encode(self.micros(), buf)
    }
}

impl Decode<'_, sqlx::Sqlite> for Time {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::from_micros(<i64 as Decode<sqlx::Sqlite>>::decode(
            value,
        )?)?)
    }
}
