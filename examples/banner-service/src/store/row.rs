//! How rows become the model's types, for every database alike: what sqlx's `FromRow` derives, without its macros.

use sqlx::{ColumnIndex, Database, Decode, Error, FromRow, Row, Type};

use crate::model::{ActiveBanner, Banner, Placement, Time};

/// What a column of this database can be read as.
trait Column<'r, DB: Database>: Decode<'r, DB> + Type<DB> {}
impl<'r, DB: Database, T: Decode<'r, DB> + Type<DB>> Column<'r, DB> for T {}

impl<'r, R: Row> FromRow<'r, R> for Banner
where
    &'static str: ColumnIndex<R>,
    i64: Column<'r, R::Database>,
    String: Column<'r, R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            image_url: row.try_get("image_url")?,
            link: row.try_get("link")?,
        })
    }
}

impl<'r, R: Row> FromRow<'r, R> for Placement
where
    &'static str: ColumnIndex<R>,
    i64: Column<'r, R::Database>,
    i32: Column<'r, R::Database>,
    String: Column<'r, R::Database>,
    Time: Column<'r, R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("id")?,
            banner_id: row.try_get("banner_id")?,
            platform: row.try_get("platform")?,
            slot: row.try_get("slot")?,
            start: row.try_get("starts_at")?,
            end: row.try_get("ends_at")?,
        })
    }
}

impl<'r, R: Row> FromRow<'r, R> for ActiveBanner
where
    &'static str: ColumnIndex<R>,
    i64: Column<'r, R::Database>,
    i32: Column<'r, R::Database>,
    String: Column<'r, R::Database>,
    Time: Column<'r, R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Self {
            slot: row.try_get("slot")?,
            placement_id: row.try_get("placement_id")?,
            start: row.try_get("starts_at")?,
            end: row.try_get("ends_at")?,
            banner: Banner::from_row(row)?,
        })
    }
}
