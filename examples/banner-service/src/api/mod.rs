//! The REST interface, as its callers see it: every route, and how an error is answered.

mod banners;
mod page;
mod placements;
mod problem;
mod schedule;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use self::problem::{invalid, invalid_query};
use crate::model::FieldError;
use crate::settings::BannerSettings;
use crate::store::{Store, StoreError};

/// What every handler works with.
#[derive(Debug, Clone)]
pub struct App {
    /// The platforms and their slots.
    pub settings: Arc<BannerSettings>,
    /// The schedule.
    pub store: Store,
}

/// All routes of the service.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/api/slots", get(schedule::slots))
        .route("/api/banners", get(banners::list).post(banners::add))
        .route("/api/banners/active", get(schedule::active))
        .route(
            "/api/banners/{id}",
            get(banners::show).put(banners::set).delete(banners::remove),
        )
        .route("/api/banners/{id}/placements", post(placements::add))
        .route("/api/placements", get(placements::list))
        .route(
            "/api/placements/{id}",
            get(placements::show)
                .put(placements::set)
                .delete(placements::remove),
        )
        .with_state(app)
}

/// Which part of a list is asked for: `?limit=50&after=123`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Paging {
    /// From 1 to 200.
    limit: i64,
    /// The `next` of the part before.
    after: i64,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            limit: 50,
            after: 0,
        }
    }
}

impl Paging {
    const MAX: i64 = 200;

    fn check(self) -> Option<FieldError> {
        (!(1..=Self::MAX).contains(&self.limit)).then(|| FieldError {
            field: "limit",
            message: format!("must be from 1 to {}", Self::MAX),
        })
    }

    /// The part asked for, and where the next one begins. `fetch` is given `after` and how many items to fetch.
    async fn fetch<T>(
        self,
        id: fn(&T) -> i64,
        fetch: impl AsyncFnOnce(i64, i64) -> Result<Vec<T>, StoreError>,
    ) -> Result<Part<T>, StoreError> {
        // One more than asked for tells whether there is a next part.
        let mut items = fetch(self.after, self.limit + 1).await?;
        let more = usize::try_from(self.limit).is_ok_and(|limit| items.len() > limit);
        if more {
            items.pop();
        }
        let next = if more { items.last().map(id) } else { None };
        Ok(Part { items, next })
    }
}

/// A part of a list.
#[derive(Debug, Serialize)]
struct Part<T> {
    items: Vec<T>,
    /// What to ask for as `after`; `null` at the end of the list.
    next: Option<i64>,
}
