//! A page as it is shown: what one service knows of one request.

use serde::{Deserialize, Serialize};

/// One request at one service, or one call that a service made of its own accord. Times are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Entry {
    /// The service that kept it.
    pub service: String,
    /// Which of its processes: an id that each makes at its start.
    pub instance: String,
    /// The global transaction id.
    pub gtxid: String,
    /// The hop.
    pub ltxid: u32,
    /// Which call of the transaction led here.
    pub branch: String,
    /// Which attempt of that call.
    pub attempt: u32,
    /// The address that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The request's method; none for work that the program began by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The route that it matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// When it came, by this process's clock: RFC 3339 in UTC.
    pub started: String,
    /// Up to the answer's head; none while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// What it was answered; 499 when its client went away first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was decided on the request itself, or on no single call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// The calls that it made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallEntry>,
    /// So many notes had no room (`telemetry.journal.max_entry`).
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

/// One logical call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallEntry {
    /// The call's name in the transaction.
    pub branch: String,
    /// Whom it called.
    pub service: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// When it began, after its request came.
    pub at_ms: f64,
    /// Up to the end of its answer's body; none while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: OutcomeEntry,
    /// Its attempts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptEntry>,
    /// What was decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

/// One attempt of a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AttemptEntry {
    /// Which, from 1.
    pub number: u32,
    /// Whom it called, as `host:port`.
    pub endpoint: String,
    /// When it began, after the request came that made the call.
    pub at_ms: f64,
    /// Up to its answer's head; none while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: OutcomeEntry,
    /// What the called process itself knows, when it was asked and has kept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<Box<Entry>>,
    /// Why there is no more to be known of it than its caller knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// What came of a call or an attempt; empty while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OutcomeEntry {
    /// The status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The kind of error that it failed with, or `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// One decision and its reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Decision {
    /// When, after the request came.
    pub at_ms: f64,
    /// What was decided, such as `retried`, `passed_over`, `ejected`.
    pub what: String,
    /// About which service, or by which policy's key, when the call does not tell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// About which endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// About which attempt.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What else there is to say, such as a breaker's new state.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// A wait, a limit, the time of an ejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<f64>,
    /// It was decided so often in a row, when more than once.
    #[serde(skip_serializing_if = "is_zero")]
    pub times: u32,
    /// It was only reported: the policy runs dark.
    #[serde(skip_serializing_if = "is_false")]
    pub dark: bool,
}

/// One line of the list of requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Summary {
    /// The global transaction id: what `/txn/{gtxid}` is asked with.
    pub gtxid: String,
    /// Which call of the transaction led here.
    pub branch: String,
    /// The request's method; none for work that the program began by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The route that it matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// When it came.
    pub started: String,
    /// Up to the answer's head; none while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// What it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
