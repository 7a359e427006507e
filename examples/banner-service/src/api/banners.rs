//! `/api/banners`: what can be shown.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use msa_core::handler;
use msa_core::problem::{Json, Path, Problem, Query};

use super::{App, Paging, Part, invalid, invalid_query};
use crate::model::{Banner, BannerDraft};

/// `GET /api/banners?limit=&after=`
#[handler]
pub(super) async fn list(
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Result<Json<Part<Banner>>, Problem> {
    if let Some(error) = paging.check() {
        return Err(invalid_query([error]));
    }
    let fetch = async |after, limit| app.store.banners(after, limit).await;
    Ok(Json(paging.fetch(|banner| banner.id, fetch).await?))
}

/// `POST /api/banners`
#[handler]
pub(super) async fn add(
    State(app): State<App>,
    Json(draft): Json<BannerDraft>,
) -> Result<impl IntoResponse, Problem> {
    let banner = app
        .store
        .add_banner(&draft.checked().map_err(invalid)?)
        .await?;
    let location = [(header::LOCATION, format!("/api/banners/{}", banner.id))];
    Ok((StatusCode::CREATED, location, Json(banner)))
}

/// `GET /api/banners/{id}`
#[handler]
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Banner>, Problem> {
    Ok(Json(app.store.banner(id).await?))
}

/// `PUT /api/banners/{id}`
#[handler]
pub(super) async fn set(
    State(app): State<App>,
    Path(id): Path<i64>,
    Json(draft): Json<BannerDraft>,
) -> Result<Json<Banner>, Problem> {
    Ok(Json(
        app.store
            .set_banner(id, &draft.checked().map_err(invalid)?)
            .await?,
    ))
}

/// `DELETE /api/banners/{id}`, with all of its placements.
#[handler]
pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    app.store.remove_banner(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
