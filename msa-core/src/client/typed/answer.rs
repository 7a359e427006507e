//! Reading an answer into a type.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::client::{CallError, CallErrorKind};
use crate::clock;
use crate::problem::Unread;
use crate::resilience::retry::retry_after;

/// How much of an error's document is read.
const LARGEST_DOCUMENT: usize = 16 * 1024;

/// How much of its detail goes into the message.
const LONGEST_DETAIL: usize = 256;

/// Makes the answer 404 `None`: what was asked for is not there.
///
/// # Errors
///
/// Every other failure, as it was.
pub fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &CallError) -> bool {
    error.kind() == CallErrorKind::Status && error.response_status() == Some(StatusCode::NOT_FOUND)
}

/// Waves a 2xx through, and makes any other answer the failure that it is.
///
/// # Errors
///
/// [`CallErrorKind::Status`] with the status, `Retry-After` and the problem document, of which 16 KiB are read at most.
pub async fn good(response: Response) -> Result<Response, CallError> {
    if response.status().is_success() {
        return Ok(response);
    }
    Err(refused(response).await)
}

async fn refused(mut response: Response) -> CallError {
    let status = response.status();
    let wait = retry_after(response.headers(), clock::now());
    let document = match is_document(response.headers()) {
        true => document(&mut response).await,
        false => None,
    };
    let mut message = format!("it answered {}", status.as_u16());
    if let Some(reason) = document.as_ref().and_then(reason) {
        message.push_str(": ");
        append_plain(&mut message, reason);
    }
    let mut error = CallError::new(CallErrorKind::Status, message).with_response_status(status);
    // The URL of an answer names the service as its caller did. An address is not for a caller's eyes.
    if let Some(service) = response.url().domain() {
        error = error.with_service(service.into());
    }
    if let Some(wait) = wait {
        error = error.with_retry_after(wait);
    }
    match document {
        Some(document) => error.with_document(document),
        None => error,
    }
}

/// Problem documents, and what older services send in their place.
fn is_document(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/problem+json", "application/json"]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known))
}

/// The document, unless it is too large, breaks off or is no JSON object: then the status has to say it all.
async fn document(response: &mut Response) -> Option<Map<String, Value>> {
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if text.len() + chunk.len() > LARGEST_DOCUMENT {
            return None;
        }
        text.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&text).ok()
}

fn reason(document: &Map<String, Value>) -> Option<&str> {
    ["detail", "title"]
        .iter()
        .find_map(|name| document.get(*name)?.as_str())
}

/// Of a text from outside: so much, and no control characters, which could forge a line of a log.
fn append_plain(message: &mut String, text: &str) {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    message.extend(plain.take(LONGEST_DETAIL));
    if text.chars().nth(LONGEST_DETAIL).is_some() {
        message.push('\u{2026}');
    }
}

/// Reads JSON; what is wrong is named by its place.
pub(super) fn parse<T: DeserializeOwned>(status: StatusCode, body: &Bytes) -> Result<T, CallError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    let parsed = parsed.map_err(|error| {
        let mut place = error.path().to_string();
        if place == "." {
            place.clear();
        }
        (place, error.into_inner())
    });
    let parsed = parsed.and_then(|value| match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err((String::new(), error)),
    });
    parsed.map_err(|(place, error)| {
        let mut message = String::from("the body of its answer is not what was expected");
        if body.is_empty() {
            message.push_str(": it is empty; a method that expects none returns `()`");
        } else if !place.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(message, " at `{place}`");
        }
        CallError::new(CallErrorKind::Body, message)
            .with_response_status(status)
            .with_source(Unread::from(&error))
    })
}
