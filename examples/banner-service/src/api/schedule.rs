//! `/api/slots` and `/api/banners/active`: what there is to fill, and what fills it.

use axum::extract::State;
use msa_core::handler;
use msa_core::problem::{Json, Problem, Query};
use serde::{Deserialize, Serialize};

use super::{App, invalid_query};
use crate::model::{ActiveBanner, Time, check_platform};

/// A place for a banner.
#[derive(Debug, Serialize)]
pub(super) struct Slot {
    platform: String,
    slot: u16,
}

/// All places for banners.
#[derive(Debug, Serialize)]
pub(super) struct Slots {
    items: Vec<Slot>,
}

/// `GET /api/slots`
#[handler]
pub(super) async fn slots(State(app): State<App>) -> Json<Slots> {
    let slots = |platform: &String| {
        let platform = platform.clone();
        (1..=app.settings.slots.get()).map(move |slot| Slot {
            platform: platform.clone(),
            slot,
        })
    };
    Json(Slots {
        items: app.settings.platforms.iter().flat_map(slots).collect(),
    })
}

/// Where and when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    platform: String,
    at: Option<Time>,
}

/// What is on show there and then.
#[derive(Debug, Serialize)]
pub(super) struct Active {
    platform: String,
    at: Time,
    items: Vec<ActiveBanner>,
}

/// `GET /api/banners/active?platform=MOBILE&at=`; `at` defaults to now.
#[handler]
pub(super) async fn active(
    State(app): State<App>,
    Query(Moment { platform, at }): Query<Moment>,
) -> Result<Json<Active>, Problem> {
    if let Some(error) = check_platform(&platform, &app.settings) {
        return Err(invalid_query([error]));
    }
    let at = at.unwrap_or_else(Time::now);
    let items = app.store.active(&platform, at).await?;
    Ok(Json(Active {
        platform,
        at,
        items,
    }))
}
