//! What happens in one attempt.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::{ScriptedBody, Then};

/// One step of a [`Script`](super::Script): what happens in one attempt.
#[derive(Debug, Clone)]
#[must_use]
pub struct Step {
    pub(in crate::testing) kind: Kind,
    pub(in crate::testing) delay: Duration,
}

#[derive(Debug, Clone)]
pub(in crate::testing) enum Kind {
    Refuse,
    Reset,
    Hang,
    Answer(Answer),
}

#[derive(Debug, Clone)]
pub(in crate::testing) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    then: Then,
}

impl Step {
    /// Answers with this status, without headers or body until they are added.
    ///
    /// # Panics
    ///
    /// When `status` is not between 100 and 999.
    pub fn status(status: u16) -> Self {
        let Ok(status) = StatusCode::from_u16(status) else {
            wrong(&format!("{status} is not an HTTP status"))
        };
        Self::of(Kind::Answer(Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            then: Then::End,
        }))
    }

    /// Answers 200 with this value as JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::status(200)
            .header(CONTENT_TYPE.as_str(), "application/json")
            .body(value.to_string())
    }

    /// Refuses the connection. Behind a real socket, where a connection is accepted before the script is asked, it breaks
    /// as with [`Step::reset`]; a [`ClosedPort`](crate::testing::ClosedPort) refuses truly.
    pub fn refuse() -> Self {
        Self::of(Kind::Refuse)
    }

    /// Reads the request, then breaks the connection without an answer.
    pub fn reset() -> Self {
        Self::of(Kind::Reset)
    }

    /// Reads the request and never answers.
    pub fn hang() -> Self {
        Self::of(Kind::Hang)
    }

    /// Waits this long before the headers, or before the connection breaks. Has no effect on a refused connection.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header to the answer; does nothing to a step that gives none.
    ///
    /// # Panics
    ///
    /// When name or value cannot stand in a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        let Ok(header) = HeaderName::try_from(name) else {
            wrong(&format!("{name:?} is not a header's name"))
        };
        let Ok(value) = HeaderValue::try_from(value) else {
            wrong(&format!("{value:?} cannot be the value of header {name}"))
        };
        self.edit(|answer| {
            answer.headers.append(header, value);
        })
    }

    /// Gives the answer this body; does nothing to a step that gives no answer.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.edit(|answer| answer.body = body.into())
    }

    /// After the body's bytes, sends nothing more and never ends.
    pub fn then_stall(self) -> Self {
        self.edit(|answer| answer.then = Then::Stall)
    }

    /// After the body's bytes, breaks the connection.
    pub fn then_reset(self) -> Self {
        self.edit(|answer| answer.then = Then::Reset)
    }

    pub(in crate::testing) fn refuses(&self) -> bool {
        matches!(self.kind, Kind::Refuse)
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            delay: Duration::ZERO,
        }
    }

    fn edit(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            change(answer);
        }
        self
    }
}

impl Answer {
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::new(ScriptedBody::new(self.body, self.then)));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A script is written in a test, and a test that is written wrong has to fail where it is.
#[allow(clippy::panic)]
#[track_caller]
fn wrong(what: &str) -> ! {
    panic!("{what}")
}
