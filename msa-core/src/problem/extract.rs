//! Extractors like axum's, whose rejections are problem documents.

use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;

/// A JSON body: axum's `Json`, with a problem document when it cannot be read.
///
/// 415 without a JSON content type, 400 when it is not JSON, 422 with the field's path when it is not this type, 413 when
/// it is too large, 408 when it comes too slowly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// The path's parameters: axum's `Path`, with a problem document when they cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

/// The query's parameters: axum's `Query`, with a problem document (422 with the parameter's name) when they cannot be
/// read.
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
        let path = error.path().to_string();
        let cause = error.into_inner();
        if cause.is_data() {
            let path = if path == "." { "" } else { path.as_str() };
            Problem::invalid()
                .detail("the body is JSON, but not what this route takes")
                .field(path, cause.to_string())
        } else {
            not_json(&cause)
        }
    })?;
    reader.end().map_err(|cause| not_json(&cause))?;
    Ok(value)
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
                Err(Problem::new(error.status())
                    .title("Invalid path")
                    .detail(error.body_text()))
            }
            Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
        }
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
                let path = error.path().to_string();
                let path = if path == "." { "" } else { path.as_str() };
                Problem::invalid()
                    .title("Invalid query")
                    .detail("a parameter of the query is missing or wrong")
                    .field(path, error.inner().to_string())
            })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Order {
        #[allow(dead_code)] // read by the deserializer
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    struct Item {
        #[allow(dead_code)] // read by the deserializer
        quantity: u32,
    }

    async fn rejection(content_type: &str, body: &str) -> (u16, Value) {
        let request = Request::post("/")
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()));
        let rejected = <Json<Order> as FromRequest<()>>::from_request(request.unwrap(), &())
            .await
            .unwrap_err();
        (rejected.status().as_u16(), rejected.to_json())
    }

    #[tokio::test]
    async fn a_wrong_field_is_named_by_its_path() {
        let (status, document) = rejection(
            "application/json",
            r#"{"items":[{"quantity":1},{"quantity":"two"}]}"#,
        )
        .await;
        assert_eq!(status, 422);
        assert_eq!(document["errors"][0]["pointer"], "#/items/1/quantity");
        assert_eq!(document["errors"][0]["field"], "items[1].quantity");
    }

    #[tokio::test]
    async fn a_wrong_parameter_of_the_query_is_named() {
        for (query, field) in [("quantity=two", "quantity"), ("", "")] {
            let (mut parts, ()) = Request::get(format!("/?{query}"))
                .body(())
                .unwrap()
                .into_parts();
            let rejected = Query::<Item>::from_request_parts(&mut parts, &())
                .await
                .unwrap_err();
            assert_eq!(rejected.status(), 422);
            assert_eq!(rejected.to_json()["errors"][0]["field"], field);
        }
    }

    #[tokio::test]
    async fn what_is_not_json_is_400_and_what_does_not_say_so_415() {
        assert_eq!(rejection("application/json", "{").await.0, 400);
        assert_eq!(rejection("application/json", "").await.0, 400);
        assert_eq!(
            rejection("application/json; charset=utf-8", r#"{"items":[]} x"#)
                .await
                .0,
            400
        );
        assert_eq!(
            rejection("application/vnd.shop+json", r#"{"items":1}"#)
                .await
                .0,
            422
        );
        assert_eq!(rejection("text/plain", r#"{"items":[]}"#).await.0, 415);
    }
}
