//! The schedule in an SQLite file.
//!
//! One connection writes and up to four read: SQLite has one writer at a time anyway, so writers queue here, in order,
//! rather than poll for the file's lock. In WAL mode readers and the writer do not wait for each other.

mod file;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteConnectOptions, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Type};

use self::file::File;
use super::{Refused, StoreError};
use crate::model::{
    ActiveBanner, Banner, BannerDraft, Placement, PlacementDraft, PlacementFilter, Time,
};

/// An SQLite file, which creates and migrates itself when it is first used.
#[derive(Debug, Clone)]
pub struct Sqlite(File);

impl Sqlite {
    /// What an address says of the file.
    pub(super) fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
        file::options(url)
    }

    /// The file that the address names. Nothing is opened yet.
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self(File::new(options))
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        self.0.migrate().await
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }

    pub(super) async fn banners(&self, after: i64, limit: i64) -> Result<Vec<Banner>, StoreError> {
        let sql =
            "SELECT id, title, image_url, link FROM banners WHERE id > $1 ORDER BY id LIMIT $2";
        let select = sqlx::query_as(sql).bind(after).bind(limit);
        Ok(select.fetch_all(&self.0.open().await?.read).await?)
    }

    pub(super) async fn banner(&self, id: i64) -> Result<Option<Banner>, StoreError> {
        let sql = "SELECT id, title, image_url, link FROM banners WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.0.open().await?.read)
            .await?)
    }

    pub(super) async fn add_banner(&self, draft: &BannerDraft) -> Result<Banner, StoreError> {
        let sql = "INSERT INTO banners (title, image_url, link) VALUES ($1, $2, $3)
                   RETURNING id, title, image_url, link";
        let insert = sqlx::query_as(sql)
            .bind(&draft.title)
            .bind(&draft.image_url)
            .bind(&draft.link);
        written(insert.fetch_all(&self.0.open().await?.write).await?)
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
            update
                .bind(id)
                .fetch_all(&self.0.open().await?.write)
                .await?,
        ))
    }

    pub(super) async fn remove_banner(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM banners WHERE id = $1").bind(id);
        Ok(delete
            .execute(&self.0.open().await?.write)
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
        Ok(select.fetch_all(&self.0.open().await?.read).await?)
    }

    pub(super) async fn placement(&self, id: i64) -> Result<Option<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.0.open().await?.read)
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
        let rows = insert.fetch_all(&self.0.open().await?.write).await;
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
        let rows = update.fetch_all(&self.0.open().await?.write).await;
        Ok(written(rows.map_err(|error| refused(error, id))?))
    }

    pub(super) async fn remove_placement(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM placements WHERE id = $1").bind(id);
        Ok(delete
            .execute(&self.0.open().await?.write)
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
        Ok(select.fetch_optional(&self.0.open().await?.read).await?)
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
        Ok(select.fetch_all(&self.0.open().await?.read).await?)
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
