//! `/loggers`: log levels, and how to change one while the service runs.

use std::time::Duration;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;

use super::Shown;
use super::guard::Peer;
use crate::clock;
use crate::config::Span;
use crate::problem::{Json, Path, Problem};
use crate::telemetry::{LevelError, Levels};

/// A change that an operator asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`.
    level: String,
    /// For so long; until it is changed again, or the process ends, when left out.
    #[serde(rename = "for")]
    time: Option<Span>,
}

/// The page.
pub(super) async fn show(State(shown): State<Shown>) -> Answer<Levels> {
    Answer(shown.logs.levels(clock::now()))
}

/// Changes the level of a target and of those below it.
pub(super) async fn change(
    State(shown): State<Shown>,
    Extension(peer): Extension<Peer>,
    Path(target): Path<String>,
    Json(change): Json<Change>,
) -> Result<Answer<Levels>, Problem> {
    let now = clock::now();
    let time = change.time.map(Span::get);
    (shown.logs.override_level(&target, &change.level, time, now)).map_err(refused)?;
    let (level, seconds) = (&change.level, time.map(|time| time.as_secs_f64()));
    tracing::info!(target: "msa::audit", %peer, logger = target, level, for_s = seconds, "log level changed");
    if let Some(time) = time {
        let logs = shown.logs.clone();
        // Not of the request that asked: it ends long before.
        tokio::spawn(async move {
            tokio::time::sleep(time.saturating_add(Duration::from_millis(1))).await;
            logs.expire(clock::now());
        });
    }
    Ok(Answer(shown.logs.levels(now)))
}

/// Takes a change back.
pub(super) async fn forget(
    State(shown): State<Shown>,
    Extension(peer): Extension<Peer>,
    Path(target): Path<String>,
) -> Result<Answer<Levels>, Problem> {
    if !shown.logs.forget_level(&target) {
        return Err(Problem::not_found(
            "the level of that target was not changed: `/loggers` lists those that were",
        ));
    }
    tracing::info!(target: "msa::audit", %peer, logger = target, "log level as configured again");
    Ok(Answer(shown.logs.levels(clock::now())))
}

fn refused(error: LevelError) -> Problem {
    let status = match error {
        LevelError::NotOurs => http::StatusCode::CONFLICT,
        _ => http::StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status).detail(error.to_string())
}
