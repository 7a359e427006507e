//! `/txn`: the latest requests, and all that is known of one transaction.

mod across;
mod ask;

use std::str::FromStr as _;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::across::Question;
use super::Shown;
use super::index::accepts;
use crate::clock;
use crate::problem::{Path, Problem, Query};
use crate::telemetry::journal::{self, Entry};
use crate::txn::{Branch, Gtxid};

/// So many hops below this service are asked at most.
const HOPS: u32 = 16;

/// The list's parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Latest {
    /// So many of each kind, 50 unless set, at most 1000.
    limit: Option<usize>,
}

/// The latest requests.
pub(super) async fn latest(State(shown): State<Shown>, Query(asked): Query<Latest>) -> Json<Value> {
    let limit = asked.limit.unwrap_or(50).min(1000);
    let journal = &shown.journal;
    let fill = journal.fill();
    Json(json!({
        "service": journal.service(),
        "instance": journal.instance(),
        "enabled": shown.config.settings().telemetry.journal.enabled,
        "slow_from_ms": journal.slow_from().map(|slow| slow.as_secs_f64() * 1000.0),
        "kept": journal.latest(true, limit),
        "kept_requests": fill.kept,
        "kept_bytes": fill.kept_bytes,
        "recent": journal.latest(false, limit),
        "recent_requests": fill.recent,
        "recent_bytes": fill.recent_bytes,
    }))
}

/// How a transaction is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `self` (the default) or `all`.
    scope: Option<String>,
    /// `json` or `text`; else as `Accept` says, JSON in doubt.
    format: Option<String>,
    /// Only requests of these branches, with commas: what a caller asks us for.
    branch: Option<String>,
    /// So many hops may be asked below this one.
    hops: Option<u32>,
    /// So long may it take.
    within_ms: Option<u64>,
}

/// What is answered of a transaction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Known {
    gtxid: String,
    /// Who answers.
    service: String,
    instance: String,
    entries: Vec<Entry>,
}

/// All that is known of one transaction.
pub(super) async fn show(
    State(shown): State<Shown>,
    headers: HeaderMap,
    Path(gtxid): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let gtxid = Gtxid::from_str(&gtxid)
        .map_err(|error| Problem::invalid().parameter("gtxid", error.to_string()))?;
    let all = match asked.scope.as_deref() {
        None | Some("self") => false,
        Some("all") => true,
        Some(_) => return Err(Problem::invalid().parameter("scope", "`self` or `all`")),
    };
    let text = match asked.format.as_deref() {
        None => accepts(&headers, "text/plain"),
        Some("text") => true,
        Some("json") => false,
        Some(_) => return Err(Problem::invalid().parameter("format", "`json` or `text`")),
    };
    let branches = asked.branch.as_deref().map(branches).transpose()?;
    let own = shown.config.settings().telemetry.journal.ask_timeout.get();
    let time = asked
        .within_ms
        .map_or(own, |ms| own.min(Duration::from_millis(ms)));
    let mut entries = shown.journal.find(&gtxid);
    if let Some(branches) = &branches {
        entries.retain(|entry| branches.contains(&entry.branch));
    }
    if entries.is_empty() {
        return Err(unknown(&shown, &gtxid));
    }
    if all {
        let question = Question {
            gtxid,
            hops: asked.hops.unwrap_or(HOPS).min(HOPS),
            until: clock::now() + time,
        };
        entries = across::complete(&shown, entries, &question).await;
    }
    if text {
        let mut text = journal::tree(&entries);
        if !all {
            text.push_str("what the called services know: ?scope=all\n");
        }
        return Ok(text.into_response());
    }
    let known = Known {
        gtxid: gtxid.to_string(),
        service: shown.journal.service().to_owned(),
        instance: shown.journal.instance().to_owned(),
        entries,
    };
    Ok(Json(known).into_response())
}

fn branches(text: &str) -> Result<Vec<String>, Problem> {
    let each = text.split(',').map(|branch| {
        let branch = Branch::from_str(branch);
        branch.map(|branch| branch.to_string())
    });
    let branches: Result<Vec<_>, _> = each.collect();
    branches.map_err(|error| Problem::invalid().parameter("branch", error.to_string()))
}

fn unknown(shown: &Shown, gtxid: &Gtxid) -> Problem {
    let journal = &shown.journal;
    let settings = &shown.config.settings().telemetry.journal;
    let detail = if settings.enabled {
        let oldest = journal.latest(false, usize::MAX).pop();
        let since = oldest.map_or_else(String::new, |oldest| {
            format!(
                "; requests that went well are kept since {}",
                oldest.started
            )
        });
        format!(
            "{} ({}) keeps nothing of {gtxid}: it never came here, this process started after it, or it is too old{since}; \
             `telemetry.journal.max_size` ({}) says how much is kept",
            journal.service(),
            journal.instance(),
            settings.max_size,
        )
    } else {
        "the journal is switched off: set telemetry.journal.enabled = true".to_owned()
    };
    Problem::not_found(detail)
        .with("service", journal.service())
        .with("instance", journal.instance())
}
