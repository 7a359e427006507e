//! The schedule in PostgreSQL.
//!
//! The tables are made by `banner-service migrate`, never at start: a new version that rolls out must not change the
//! tables under the old ones that still serve.

use std::num::NonZeroU32;
use std::time::Duration;

use sqlx::encode::IsNull;
use sqlx::error::{BoxDynError, ErrorKind};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgConnectOptions, PgPool, PgPoolOptions, PgTypeInfo, PgValueRef,
};
use sqlx::{Decode, Encode, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CHECK_PATIENCE, Refused, StoreError, apply};
use crate::model::{
    ActiveBanner, Banner, BannerDraft, Placement, PlacementDraft, PlacementFilter, Time,
};

const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "schedule",
    include_str!("../../migrations/postgres/0001_schedule.sql"),
)];

/// How long a request waits for a connection: less than the 3 s that msa's clients give an attempt, so that they are told.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// A pool of connections to a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    /// Where the server listens; `None` when that is a socket file.
    addr: Option<(String, u16)>,
}

impl Postgres {
    /// What an address says of the server.
    pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
        let example = "must look like postgres://user:password@host:5432/database";
        url.parse().map_err(|_| StoreError::Url(example))
    }

    /// A pool that connects when it is first used.
    pub(super) fn new(options: PgConnectOptions, max_connections: NonZeroU32) -> Self {
        let local = options.get_socket().is_some() || options.get_host().starts_with('/');
        let addr = (!local).then(|| (options.get_host().to_owned(), options.get_port()));
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.get())
            .acquire_timeout(CONNECT_PATIENCE)
            .connect_lazy_with(options.application_name("banner-service"));
        Self { pool, addr }
    }

    /// The pool goes on trying while nobody listens, and in the end only tells that it took too long. This says why.
    async fn explained(&self, error: StoreError) -> StoreError {
        const PATIENCE: Duration = Duration::from_millis(100);
        let (StoreError::Unavailable(reason), Some((host, port))) = (&error, &self.addr) else {
            return error;
        };
        let connecting = TcpStream::connect((host.as_str(), *port));
        match timeout(PATIENCE, connecting).await {
            Ok(Ok(_)) => error,
            Ok(Err(cause)) => StoreError::Unavailable(format!("{host}:{port}: {cause}")),
            Err(_) => StoreError::Unavailable(format!("{host}:{port}: {reason}")),
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        match self.pool.acquire().await {
            Ok(mut connection) => apply(MIGRATIONS, &mut *connection).await,
            Err(error) => Err(self.explained(error.into()).await),
        }
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        match self.applied().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::NotMigrated),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// Whether the newest migration has been applied.
    async fn applied(&self) -> Result<bool, StoreError> {
        let newest = "SELECT max(version) FROM _sqlx_migrations WHERE success";
        let applied = sqlx::query_scalar::<_, Option<i64>>(newest).fetch_one(&self.pool);
        let applied = timeout(CHECK_PATIENCE, applied).await.map_err(|_| {
            StoreError::Unavailable(format!("no answer within {CHECK_PATIENCE:?}"))
        })??;
        Ok(applied >= MIGRATIONS.iter().map(|(number, ..)| *number).max())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn banners(&self, after: i64, limit: i64) -> Result<Vec<Banner>, StoreError> {
        let sql =
            "SELECT id, title, image_url, link FROM banners WHERE id > $1 ORDER BY id LIMIT $2";
        Ok(sqlx::query_as(sql)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?)
    }

    pub(super) async fn banner(&self, id: i64) -> Result<Option<Banner>, StoreError> {
        let sql = "SELECT id, title, image_url, link FROM banners WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?)
    }

    pub(super) async fn add_banner(&self, draft: &BannerDraft) -> Result<Banner, StoreError> {
        let sql = "INSERT INTO banners (title, image_url, link) VALUES ($1, $2, $3)
                   RETURNING id, title, image_url, link";
        let insert = sqlx::query_as(sql)
            .bind(&draft.title)
            .bind(&draft.image_url)
            .bind(&draft.link);
        Ok(insert.fetch_one(&self.pool).await?)
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
        Ok(update.bind(id).fetch_optional(&self.pool).await?)
    }

    pub(super) async fn remove_banner(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM banners WHERE id = $1").bind(id);
        Ok(delete.execute(&self.pool).await?.rows_affected() > 0)
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
        Ok(select.fetch_all(&self.pool).await?)
    }

    pub(super) async fn placement(&self, id: i64) -> Result<Option<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE id = $1";
        Ok(sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&self.pool)
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
        insert
            .fetch_one(&self.pool)
            .await
            .map_err(|error| placement_refused(error, banner_id))
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
        update
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| placement_refused(error, id))
    }

    pub(super) async fn remove_placement(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM placements WHERE id = $1").bind(id);
        Ok(delete.execute(&self.pool).await?.rows_affected() > 0)
    }

    pub(super) async fn in_the_way(
        &self,
        draft: &PlacementDraft,
        moving: Option<i64>,
    ) -> Result<Option<Placement>, StoreError> {
        let sql = "SELECT id, banner_id, platform, slot, starts_at, ends_at FROM placements
                   WHERE platform = $1 AND slot = $2 AND starts_at < $4 AND $3 < ends_at
                     AND id IS DISTINCT FROM $5
                   ORDER BY starts_at LIMIT 1";
        let select = sqlx::query_as(sql)
            .bind(&draft.platform)
            .bind(draft.slot)
            .bind(draft.start)
            .bind(draft.end)
            .bind(moving);
        Ok(select.fetch_optional(&self.pool).await?)
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
        Ok(sqlx::query_as(sql)
            .bind(platform)
            .bind(at)
            .fetch_all(&self.pool)
            .await?)
    }
}

fn placement_refused(error: sqlx::Error, banner_id: i64) -> Refused {
    match error
        .as_database_error()
        .map(sqlx::error::DatabaseError::kind)
    {
        Some(ErrorKind::ExclusionViolation) => Refused::Overlap,
        Some(ErrorKind::ForeignKeyViolation) => Refused::Other(StoreError::NotFound {
            what: "banner",
            id: banner_id,
        }),
        _ => Refused::Other(error.into()),
    }
}

/// Microseconds since 2000-01-01T00:00:00Z, as the wire format of `timestamptz` counts.
const EPOCH_2000: i64 = 946_684_800_000_000;

impl Type<sqlx::Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        const TIMESTAMPTZ: Oid = Oid(1184);
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, sqlx::Postgres> for Time {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<sqlx::Postgres>::encode(self.micros() - EPOCH_2000, buf)
    }
}

impl Decode<'_, sqlx::Postgres> for Time {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<sqlx::Postgres>>::decode(value)?;
        Ok(Self::from_micros(micros.saturating_add(EPOCH_2000))?)
    }
}
