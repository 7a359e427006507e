//! `/api/placements`: where and when banners stand.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use msa_core::handler;
use msa_core::problem::{Json, Path, Problem, Query};
use serde::Deserialize;

use super::{App, Paging, Part, invalid, invalid_query};
use crate::model::{Placement, PlacementDraft, PlacementFilter, Time, check_platform, check_slot};

/// What a list of placements can be narrowed to. (Not `Paging` flattened in: serde then takes numbers for text.)
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    banner_id: Option<i64>,
    platform: Option<String>,
    slot: Option<i32>,
    from: Option<Time>,
    to: Option<Time>,
    limit: Option<i64>,
    after: Option<i64>,
}

/// `GET /api/placements?banner_id=&platform=&slot=&from=&to=&limit=&after=`: whatever is on show at some moment from
/// `from` until just before `to`.
#[handler]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<Filter>,
) -> Result<Json<Part<Placement>>, Problem> {
    let Filter {
        banner_id,
        platform,
        slot,
        from,
        to,
        limit,
        after,
    } = query;
    let paging = Paging {
        limit: limit.unwrap_or(Paging::default().limit),
        after: after.unwrap_or_default(),
    };
    let errors: Vec<_> = [
        paging.check(),
        platform
            .as_ref()
            .and_then(|platform| check_platform(platform, &app.settings)),
        slot.and_then(|slot| check_slot(slot, &app.settings)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !errors.is_empty() {
        return Err(invalid_query(errors));
    }
    let filter = PlacementFilter {
        banner_id,
        platform,
        slot,
        from,
        to,
    };
    let fetch = async |after, limit| app.store.placements(&filter, after, limit).await;
    Ok(Json(paging.fetch(|placement| placement.id, fetch).await?))
}

/// `POST /api/banners/{id}/placements`
#[handler]
pub(super) async fn add(
    State(app): State<App>,
    Path(banner_id): Path<i64>,
    Json(draft): Json<PlacementDraft>,
) -> Result<impl IntoResponse, Problem> {
    let draft = draft.checked(&app.settings).map_err(invalid)?;
    let placement = app.store.add_placement(banner_id, &draft).await?;
    let location = [(
        header::LOCATION,
        format!("/api/placements/{}", placement.id),
    )];
    Ok((StatusCode::CREATED, location, Json(placement)))
}

/// `GET /api/placements/{id}`
#[handler]
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Placement>, Problem> {
    Ok(Json(app.store.placement(id).await?))
}

/// `PUT /api/placements/{id}`: another slot or another time for the same banner.
#[handler]
pub(super) async fn set(
    State(app): State<App>,
    Path(id): Path<i64>,
    Json(draft): Json<PlacementDraft>,
) -> Result<Json<Placement>, Problem> {
    let draft = draft.checked(&app.settings).map_err(invalid)?;
    Ok(Json(app.store.set_placement(id, &draft).await?))
}

/// `DELETE /api/placements/{id}`
#[handler]
pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    app.store.remove_placement(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
