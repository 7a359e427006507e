//! Where the schedule is kept: an SQLite file, or PostgreSQL.
//!
//! Each database has one file here that holds all of its SQL, and one folder under `migrations`. A service that needs
//! only one of them deletes the other's file, folder and match arms.

mod error;
mod postgres;
mod row;
mod sqlite;

use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use self::error::Refused;
pub use self::error::StoreError;
pub use self::postgres::Postgres;
pub use self::sqlite::Sqlite;
use crate::model::{
    ActiveBanner, Banner, BannerDraft, Placement, PlacementDraft, PlacementFilter, Time,
};
use crate::settings::BannerSettings;

/// How long a readiness check waits: less than its caller does (a second), so that it can say why.
const CHECK_PATIENCE: Duration = Duration::from_millis(800);

/// The schedule in its database. A cheap handle: clones share the connections.
#[derive(Debug, Clone)]
pub enum Store {
    /// The embedded database.
    Sqlite(Sqlite),
    /// A database server.
    Postgres(Postgres),
}

/// The address of a store, understood.
#[derive(Debug, Clone)]
pub enum Address {
    /// `sqlite://<file>`
    Sqlite(SqliteConnectOptions),
    /// `postgres://<user>:<password>@<host>:<port>/<database>`
    Postgres(PgConnectOptions),
}

impl FromStr for Address {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("sqlite", _)) => sqlite::options(url).map(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => postgres::options(url).map(Self::Postgres),
            _ => Err(StoreError::Url("must begin with sqlite:// or postgres://")),
        }
    }
}

/// Runs the same call on whichever database this is.
macro_rules! on {
    ($store:expr, $database:ident => $call:expr) => {
        match $store {
            Store::Sqlite($database) => $call.await,
            Store::Postgres($database) => $call.await,
        }
    };
}

impl Store {
    /// A store at the configured address. Connects when it is first used, so it also succeeds while the database is
    /// down.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the address is of no use.
    pub fn new(settings: &BannerSettings) -> Result<Self, StoreError> {
        Ok(match settings.database_url.get().parse()? {
            Address::Sqlite(options) => Self::Sqlite(Sqlite::new(options)),
            Address::Postgres(options) => {
                Self::Postgres(Postgres::new(options, settings.max_connections))
            }
        })
    }

    /// Creates the tables, or brings them up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], or [`StoreError::Migration`] when the tables do not fit this program.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        on!(self, db => db.migrate())
    }

    /// Whether requests can be answered now: the database is there, takes writes, and its tables fit.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn check(&self) -> Result<(), StoreError> {
        on!(self, db => db.check())
    }

    /// Closes the connections, after the last request.
    pub async fn close(&self) {
        on!(self, db => db.close())
    }

    /// Up to `limit` banners with an id above `after`, by id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like, as all that follow.
    pub async fn banners(&self, after: i64, limit: i64) -> Result<Vec<Banner>, StoreError> {
        on!(self, db => db.banners(after, limit))
    }

    /// One banner.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn banner(&self, id: i64) -> Result<Banner, StoreError> {
        on!(self, db => db.banner(id))?.ok_or(StoreError::NotFound { what: "banner", id })
    }

    /// Keeps a new banner.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn add_banner(&self, draft: &BannerDraft) -> Result<Banner, StoreError> {
        on!(self, db => db.add_banner(draft))
    }

    /// Replaces what is known of a banner; its placements stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_banner(&self, id: i64, draft: &BannerDraft) -> Result<Banner, StoreError> {
        on!(self, db => db.set_banner(id, draft))?
            .ok_or(StoreError::NotFound { what: "banner", id })
    }

    /// Removes a banner and all of its placements.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_banner(&self, id: i64) -> Result<(), StoreError> {
        let removed = on!(self, db => db.remove_banner(id))?;
        if removed {
            Ok(())
        } else {
            Err(StoreError::NotFound { what: "banner", id })
        }
    }

    /// Up to `limit` placements with an id above `after` that pass the filter, by id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn placements(
        &self,
        filter: &PlacementFilter,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Placement>, StoreError> {
        on!(self, db => db.placements(filter, after, limit))
    }

    /// One placement.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn placement(&self, id: i64) -> Result<Placement, StoreError> {
        on!(self, db => db.placement(id))?.ok_or(StoreError::NotFound {
            what: "placement",
            id,
        })
    }

    /// Puts a banner into a slot for some time.
    ///
    /// # Errors
    /// [`StoreError::Taken`] with the placement in the way; [`StoreError::NotFound`] when there is no such banner.
    pub async fn add_placement(
        &self,
        banner_id: i64,
        draft: &PlacementDraft,
    ) -> Result<Placement, StoreError> {
        loop {
            match on!(self, db => db.add_placement(banner_id, draft)) {
                Ok(placement) => return Ok(placement),
                Err(Refused::Other(error)) => return Err(error),
                Err(Refused::Overlap) => self.tell_who_is_in_the_way(draft, None).await?,
            }
        }
    }

    /// Moves a placement to another slot or time.
    ///
    /// # Errors
    /// [`StoreError::Taken`] with the placement in the way; [`StoreError::NotFound`] when there is no such placement.
    pub async fn set_placement(
        &self,
        id: i64,
        draft: &PlacementDraft,
    ) -> Result<Placement, StoreError> {
        loop {
            match on!(self, db => db.set_placement(id, draft)) {
                Ok(Some(placement)) => return Ok(placement),
                Ok(None) => {
                    return Err(StoreError::NotFound {
                        what: "placement",
                        id,
                    });
                }
                Err(Refused::Other(error)) => return Err(error),
                Err(Refused::Overlap) => self.tell_who_is_in_the_way(draft, Some(id)).await?,
            }
        }
    }

    /// Removes a placement; its banner stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_placement(&self, id: i64) -> Result<(), StoreError> {
        let removed = on!(self, db => db.remove_placement(id))?;
        if removed {
            Ok(())
        } else {
            Err(StoreError::NotFound {
                what: "placement",
                id,
            })
        }
    }

    /// What stands in the slots of a platform at a moment, by slot; empty slots are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn active(&self, platform: &str, at: Time) -> Result<Vec<ActiveBanner>, StoreError> {
        on!(self, db => db.active(platform, at))
    }

    /// The database said no; this says because of whom. `Ok` when whoever it was has gone meanwhile: worth another try.
    async fn tell_who_is_in_the_way(
        &self,
        draft: &PlacementDraft,
        moving: Option<i64>,
    ) -> Result<(), StoreError> {
        match on!(self, db => db.in_the_way(draft, moving))? {
            Some(placement) => Err(StoreError::Taken(Box::new(placement))),
            None => Ok(()),
        }
    }
}

/// Applies what is missing of one database's migrations: number, name, SQL.
async fn apply<C: Migrate>(
    migrations: &[(i64, &'static str, &'static str)],
    connection: &mut C,
) -> Result<(), StoreError> {
    let migration = |&(number, name, sql): &(i64, &'static str, &'static str)| {
        let sql = sql.into_sql_str();
        Migration::new(number, name.into(), MigrationType::Simple, sql, false)
    };
    let migrator = Migrator::with_migrations(migrations.iter().map(migration).collect());
    // `Migrator::run` is the documented way, but its future cannot be spawned: the compiler finds its `Acquire` "not
    // general enough". sqlx keeps this one for that case.
    Ok(migrator.run_direct(None, connection, false).await?)
}
