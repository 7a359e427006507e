//! `/events`: what the admin page shows, once a second, as server-sent events.
//!
//! Each event is a whole [`Snapshot`], so whoever begins to watch, or comes back, needs nothing of before; and since there is one every
//! second, none is needed to tell that the stream lives. A change of phase is told at once. It ends when the service has stopped.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream as streams;
use http::{HeaderValue, StatusCode, header};
use tokio::time::{Interval, MissedTickBehavior};

use super::super::Shown;
use super::snapshot::Snapshot;
use super::watchers::{MOST, Watching};
use crate::clock;
use crate::health::Phase;
use crate::problem::Problem;

/// The time between two snapshots.
const EVERY: Duration = Duration::from_secs(1);

struct Watch {
    shown: Shown,
    ticks: Interval,
    told: Option<Phase>,
    _watching: Watching,
}

/// The stream.
pub(in super::super) async fn stream(State(shown): State<Shown>) -> Response {
    let Some(watching) = shown.watchers.watch() else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .detail(format!("{MOST} watch already: close one of the pages"))
            .retry_after(Duration::from_secs(5))
            .into_response();
    };
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch {
        shown,
        ticks,
        told: None,
        _watching: watching,
    };
    let events = streams::unfold(watch, async |mut watch| {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        let lifecycle = self.shown.health.lifecycle();
        match self.told.map(after) {
            Some(None) => return None,
            Some(Some(next)) => tokio::select! {
                _ = self.ticks.tick() => {}
                () = lifecycle.reached(next) => {}
            },
            None => {
                self.ticks.tick().await;
            }
        }
        let now = clock::now();
        let snapshot = Snapshot::take(&self.shown, now);
        self.told = Some(snapshot.phase());
        let json = serde_json::to_string(&snapshot).ok()?;
        Some(Bytes::from(format!("data: {json}\n\n")))
    }
}

/// The phase that comes next; none after the last.
fn after(phase: Phase) -> Option<Phase> {
    match phase {
        Phase::Starting => Some(Phase::Ready),
        Phase::Ready => Some(Phase::Draining),
        Phase::Draining => Some(Phase::Closing),
        Phase::Closing => Some(Phase::Stopped),
        Phase::Stopped => None,
    }
}
