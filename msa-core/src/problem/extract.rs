//! Extractors like axum's, whose rejections are problem documents.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::Problem;
use super::faults::{self, Step, Wrong};

/// A JSON body: axum's `Json`, with a problem document when it cannot be read.
///
/// 415 without a JSON content type, 400 when it is not JSON, 422 when it is not this type, 413 when it is too large, 408
/// when it comes too slowly.
///
/// The 422 names every field that is wrong, each by its JSON pointer, in the words of JSON: of a body of at most 64 KiB up to
/// sixteen, of a larger one the first. What `T` checks as a whole (a `try_from`, an untagged enum) is told of the whole: let
/// each field's own type check what is the field's. A value that is a text of some form hides what else is missing
/// from its object until it is right.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// The path's parameters: axum's `Path`, with a problem document (400 with the parameter's name) when they cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

/// The query's parameters: axum's `Query`, with a problem document (422 with the names of all that are wrong) when they
/// cannot be read. A parameter that `T` does not know is refused when `T` has `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("send the body as JSON, with content-type: application/json"));
        }
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str())
    else {
        return false;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if !error.inner().is_data() {
            return not_json(error.inner());
        }
        let mut wrong = faults::of_json::<T>(body);
        if wrong.is_empty() {
            wrong.push(faults::of_message(
                steps(error.path()),
                &error.inner().to_string(),
            ));
        }
        let problem = Problem::invalid().detail("the body is JSON, but not what this route takes");
        wrong.into_iter().fold(problem, Problem::wrong)
    })?;
    reader.end().map_err(|cause| not_json(&cause))?;
    Ok(value)
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}

fn not_json(cause: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST)
        .title("Not JSON")
        .detail(cause.to_string())
}

/// The status that axum found. A body that came too slowly is 408 in the end, which the body's deadline sees to.
fn unread(rejection: BytesRejection) -> Problem {
    Problem::new(rejection.status()).detail(rejection.body_text())
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                let problem = Problem::new(error.status());
                if error.status().is_server_error() {
                    return Err(problem.caused_by(error)); // the handler's own mistake
                }
                let names = names(parts, state).await;
                let problem = problem.title("Invalid path");
                Err(match wrong_parameter(error.into_kind(), &names) {
                    (Some(name), detail) => problem
                        .detail("a parameter of the path is wrong")
                        .parameter(&name, detail),
                    (None, detail) => problem.detail(detail),
                })
            }
            Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
        }
    }
}

/// The names of the route's parameters, in their order.
async fn names<S: Send + Sync>(parts: &mut Parts, state: &S) -> Vec<String> {
    match RawPathParams::from_request_parts(parts, state).await {
        Ok(params) => params.iter().map(|(name, _)| name.to_owned()).collect(),
        Err(_) => Vec::new(), // then the detail stands alone
    }
}

/// The parameter that is wrong, if it can be told, and what is wrong with it.
fn wrong_parameter(kind: ErrorKind, names: &[String]) -> (Option<String>, String) {
    let only = match names {
        [only] => Some(only.clone()),
        _ => None,
    };
    match kind {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => (Some(key), faults::must_be(expected_type)),
        ErrorKind::ParseErrorAtIndex {
            index,
            expected_type,
            ..
        } => (names.get(index).cloned(), faults::must_be(expected_type)),
        ErrorKind::ParseError { expected_type, .. } => (only, faults::must_be(expected_type)),
        ErrorKind::InvalidUtf8InPathParam { key } => (
            Some(key),
            "must be UTF-8 once its percent signs are decoded".to_owned(),
        ),
        ErrorKind::DeserializeError { key, message, .. } => {
            (Some(key), faults::of_message(Vec::new(), &message).detail)
        }
        ErrorKind::Message(message) => (only, faults::of_message(Vec::new(), &message).detail),
        other => (only, other.to_string()),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs =
            serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| {
                let mut wrong = faults::of_query::<T>(query);
                if wrong.is_empty() {
                    let message = error.inner().to_string();
                    wrong.push(faults::of_message(steps(error.path()), &message));
                }
                let problem = Problem::invalid()
                    .title("Invalid query")
                    .detail("a parameter of the query is missing or wrong");
                let add = |problem: Problem, Wrong { at, detail }| {
                    problem.parameter(&super::field(&at), detail)
                };
                wrong.into_iter().fold(problem, add)
            })
    }
}

#[cfg(test)]
mod tests;
