//! Problem documents: every error that msa answers has the form of RFC 9457.
//!
//! ```
//! use http::StatusCode;
//! use msa_core::problem::Problem;
//!
//! let problem = Problem::new(StatusCode::CONFLICT)
//!     .title("Slot taken")
//!     .detail("placement 7 stands in slot 3 until 2026-05-01T00:00:00Z")
//!     .with("conflict", 7);
//! assert_eq!(problem.to_json()["status"], 409);
//! ```
//!
//! A document answered inside a transaction carries its GTXID in the member `gtxid`, so that whoever sees the error can
//! name it to whoever can look it up.

mod cause;
mod extract;
mod faults;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use cause::Unread;
pub use extract::{Json, Path, Query};
use faults::{Step, Wrong};

use crate::txn;

/// The media type of a problem document.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// `x-txn-retry`: on a response, whether anybody above may send the request again.
pub const TXN_RETRY: HeaderName = HeaderName::from_static("x-txn-retry");

/// Whether an answer says `x-txn-retry: never`.
pub(crate) fn forbids_retry(headers: &HeaderMap) -> bool {
    (headers.get_all(TXN_RETRY).iter())
        .any(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"never"))
}

/// An error answer by RFC 9457.
#[derive(Clone)]
pub struct Problem(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    instance: Option<String>,
    members: Map<String, Value>,
    errors: Vec<Value>,
    retry_after: Option<Duration>,
    never_retry: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with this status. Its title is the status's own phrase until [`title`](Self::title) says more.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self(Box::new(Inner {
            status,
            kind: Cow::Borrowed("about:blank"),
            title: None,
            detail: None,
            instance: None,
            members: Map::new(),
            errors: Vec::new(),
            retry_after: None,
            never_retry: false,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// 422: the request was understood, and something in it is wrong. Say what by [`field`](Self::field).
    #[must_use]
    pub fn invalid() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY).title("Invalid request")
    }

    /// 404 with what is missing.
    #[must_use]
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(detail)
    }

    /// A URI that names the type of problem. Default `about:blank`: no more than the status says.
    #[must_use]
    pub fn kind(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.kind = uri.into();
        self
    }

    /// What this type of problem is, the same at every occurrence.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.0.title = Some(title.into());
        self
    }

    /// What happened this time, and what to do about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// A URI of this occurrence.
    #[must_use]
    pub fn instance(mut self, uri: impl Into<String>) -> Self {
        self.0.instance = Some(uri.into());
        self
    }

    /// One more member. A value that cannot be written as JSON becomes `null`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.0.members.insert(
            name.into(),
            serde_json::to_value(value).unwrap_or(Value::Null),
        );
        self
    }

    /// One more entry of the member `errors`: what is wrong with one field of the request.
    ///
    /// `path` is the field's path as one would write it in code, such as `items[0].quantity`; the entry carries it as a
    /// JSON pointer into the request too.
    #[must_use]
    pub fn field(self, path: &str, detail: impl Into<String>) -> Self {
        let steps = path
            .split(['.', '['])
            .map(|step| step.trim_end_matches(']'));
        let pointer = pointer(steps.filter(|step| !step.is_empty()));
        self.entry(path, "pointer", &pointer, detail.into())
    }

    /// One more entry of the member `errors`: what is wrong with one parameter of the query or the path.
    #[must_use]
    pub fn parameter(self, name: &str, detail: impl Into<String>) -> Self {
        self.entry(name, "parameter", name, detail.into())
    }

    /// What was found in the body.
    fn wrong(self, wrong: Wrong) -> Self {
        let names: Vec<_> = wrong.at.iter().map(Step::to_string).collect();
        let pointer = pointer(names.iter().map(String::as_str));
        self.entry(&field(&wrong.at), "pointer", &pointer, wrong.detail)
    }

    fn entry(mut self, field: &str, kind: &str, place: &str, detail: String) -> Self {
        let mut entry = Map::new();
        entry.insert("field".to_owned(), field.into());
        entry.insert(kind.to_owned(), place.into());
        entry.insert("detail".to_owned(), detail.into());
        self.0.errors.push(Value::Object(entry));
        self
    }

    /// Sends `Retry-After`, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Tells everybody above not to send the request again (`x-txn-retry: never`).
    #[must_use]
    pub fn never_retry(mut self) -> Self {
        self.0.never_retry = true;
        self
    }

    /// One more header on the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Why, for those who run the service: logged with its own causes when the problem is answered, under the request's
    /// GTXID, and not part of the document.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into().into());
        self
    }

    fn log_cause(&self) {
        let Some(cause) = &self.0.cause else { return };
        let text = cause::chain(&**cause);
        let status = self.0.status.as_u16();
        if status >= 500 {
            tracing::warn!(target: "msa::problem", status, cause = text, "answered with a problem");
        } else {
            tracing::info!(target: "msa::problem", status, cause = text, "answered with a problem");
        }
    }

    /// Whether it tells everybody above not to send the request again.
    pub(crate) fn forbids_retry(&self) -> bool {
        self.0.never_retry
    }

    /// How long it asks to wait before the request is sent again.
    pub(crate) fn asks_to_wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let inner = &self.0;
        let mut members = inner.members.clone();
        let title = match &inner.title {
            Some(title) => title.as_ref(),
            None => inner.status.canonical_reason().unwrap_or("Error"),
        };
        members.insert("type".to_owned(), inner.kind.as_ref().into());
        members.insert("title".to_owned(), title.into());
        members.insert("status".to_owned(), inner.status.as_u16().into());
        if let Some(detail) = &inner.detail {
            members.insert("detail".to_owned(), detail.as_ref().into());
        }
        if let Some(instance) = &inner.instance {
            members.insert("instance".to_owned(), instance.as_str().into());
        }
        if !inner.errors.is_empty() {
            members.insert("errors".to_owned(), Value::Array(inner.errors.clone()));
        }
        if let Some(gtxid) = txn::with_current(|txn| txn.gtxid().to_string()) {
            members.insert("gtxid".to_owned(), gtxid.into());
        }
        Value::Object(members)
    }
}

/// The steps to a value as an RFC 6901 pointer in a URI fragment: `#/items/0/quantity`.
fn pointer<'a>(steps: impl Iterator<Item = &'a str>) -> String {
    let mut pointer = String::from("#");
    for step in steps {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// The steps to a value as one would write them in code: `items[0].quantity`.
fn field(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.push_str(&format!(".{key}")),
        }
    }
    path
}

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.status)?;
        for part in [&self.0.title, &self.0.detail].into_iter().flatten() {
            write!(f, ": {part}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problem({})", self.to_json())
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log_cause();
        let mut response = (self.0.status, self.to_json().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if let Some(after) = self.0.retry_after {
            let seconds = after
                .as_secs()
                .saturating_add(u64::from(after.subsec_nanos() > 0));
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.never_retry {
            headers.insert(TXN_RETRY, HeaderValue::from_static("never"));
        }
        headers.extend(self.0.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::txn::{Gtxid, Txn};

    #[test]
    fn a_document_has_the_members_of_the_rfc_and_the_users_own() {
        let problem = Problem::invalid()
            .detail("two fields are wrong")
            .with("conflict", json!({"id": 7}))
            .field("items[0].quantity", "must be at least 1")
            .field("a/b", "no");
        assert_eq!(
            problem.to_json(),
            json!({
                "type": "about:blank", "title": "Invalid request", "status": 422, "detail": "two fields are wrong",
                "conflict": {"id": 7},
                "errors": [
                    {"field": "items[0].quantity", "pointer": "#/items/0/quantity", "detail": "must be at least 1"},
                    {"field": "a/b", "pointer": "#/a~1b", "detail": "no"},
                ],
            })
        );
    }

    #[test]
    fn no_member_of_the_users_can_hide_the_status() {
        assert_eq!(
            Problem::new(StatusCode::CONFLICT)
                .with("status", 200)
                .to_json()["status"],
            409
        );
    }

    #[test]
    fn the_answer_says_when_and_whether_to_come_again() {
        let response = Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(Duration::from_millis(1001))
            .never_retry()
            .into_response();
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["x-txn-retry"], "never");
        let never = Problem::new(StatusCode::SERVICE_UNAVAILABLE).retry_after(Duration::MAX);
        assert_eq!(
            never.into_response().headers()["retry-after"],
            u64::MAX.to_string()
        );
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }

    #[test]
    fn inside_a_transaction_the_document_names_it() {
        let txn = Txn::root("abc".parse::<Gtxid>().unwrap());
        let document = txn::sync_scope(txn, || Problem::new(StatusCode::BAD_GATEWAY).to_json());
        assert_eq!(document["gtxid"], "abc");
    }
}
