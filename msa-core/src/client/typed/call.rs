//! One typed call: put together, sent, read.

use std::error::Error;
use std::fmt::{self, Display};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Body, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::path::{self, PathParameter};
use super::{TypedClient, answer, query};
use crate::client::{CallError, CallErrorKind, CallOptions};
use crate::txn;

/// One call of a [`TypedClient`]: put together part by part, then sent and read.
///
/// What is wrong with a part (an empty parameter, a body that cannot be written) is the error [`CallErrorKind::Invalid`] of
/// the call, which is not sent then.
#[must_use = "a call is not made until its answer is read"]
pub struct TypedCall<'a> {
    client: &'a TypedClient,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Option<Body>,
    options: CallOptions,
    refused: Option<CallError>,
}

impl<'a> TypedCall<'a> {
    pub(super) fn new(client: &'a TypedClient, method: Method) -> Self {
        Self {
            client,
            method,
            path: String::new(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: None,
            options: CallOptions::new(),
            refused: None,
        }
    }

    /// More of the path, as it stands: `/users/`.
    pub fn path(mut self, text: &str) -> Self {
        self.path.push_str(text);
        self
    }

    /// A value in the path. Every byte that is not a letter, a digit or one of `-._~` is escaped, so that it stays within its segment.
    ///
    /// A value that is empty, or makes its segment `.` or `..` (which no URL can escape), is [`CallErrorKind::Invalid`].
    pub fn parameter(mut self, name: &str, value: impl PathParameter) -> Self {
        let before = self.path.len();
        let written = path::escape(value, &mut self.path);
        if written.is_err() || self.path.len() == before {
            self.refuse(format!(
                "the parameter `{name}` of the path is empty, and would call another path"
            ));
        }
        self
    }

    /// A value in the query: a plain one as `name=value`, `None` as nothing, a sequence as one pair an element, a struct or a map as
    /// one pair a field, by the fields' own names.
    pub fn query(mut self, name: &str, value: impl Serialize) -> Self {
        if let Err(error) = query::append(&mut self.query, name, &value) {
            self.refuse(format!("the query cannot be written: {error}"));
        }
        self
    }

    /// A header. A name or a value that cannot be one is [`CallErrorKind::Invalid`]; the value is not shown.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        let header = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = HeaderValue::from_str(&value.to_string()).ok();
        match header.zip(value) {
            Some((header, value)) => {
                self.headers.append(header, value);
            }
            None => self.refuse(format!(
                "the header `{name}` cannot be sent: a name is a token, and a value is made of visible ASCII characters"
            )),
        }
        self
    }

    /// A header that is left out when there is no value.
    pub fn optional_header(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// A body of JSON.
    pub fn json_body(self, value: &(impl Serialize + ?Sized)) -> Self {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        self.written_body(JSON, serde_json::to_vec(value))
    }

    /// A body as a form of a page has it.
    pub fn form_body(self, value: &(impl Serialize + ?Sized)) -> Self {
        const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.written_body(FORM, serde_urlencoded::to_string(value))
    }

    /// A body as it is, without a content type unless one is given by [`header`](Self::header).
    pub fn raw_body(mut self, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn written_body<T: Into<Body>, E: Error + Send + Sync + 'static>(
        mut self,
        kind: HeaderValue,
        written: Result<T, E>,
    ) -> Self {
        match written {
            Ok(body) => {
                self.headers.entry(header::CONTENT_TYPE).or_insert(kind);
                self.body = Some(body.into());
            }
            Err(error) => {
                let message = "the body cannot be written";
                let error = CallError::new(CallErrorKind::Invalid, message).with_source(error);
                self.refused.get_or_insert(error);
            }
        }
        self
    }

    /// Timeouts, retries and the like for this call.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    #[cold]
    fn refuse(&mut self, message: String) {
        let error = CallError::new(CallErrorKind::Invalid, message);
        self.refused.get_or_insert(error);
    }

    /// Makes the call and returns whatever was answered, also an error status.
    ///
    /// # Errors
    ///
    /// Nothing was answered, or the call could not be put together.
    pub async fn response(self) -> Result<Response, CallError> {
        let client = self.client;
        self.send().await.map_err(|error| named(client, error))
    }

    /// Makes the call and reads JSON.
    ///
    /// # Errors
    ///
    /// [`CallErrorKind::Status`] for an answer that is not 2xx, [`CallErrorKind::Body`] for one that is not a `T`, and those of
    /// [`response`](Self::response).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, CallError> {
        let client = self.client;
        let read = async {
            let (status, body) = self.read().await?;
            answer::parse(status, &body)
        };
        read.await.map_err(|error| named(client, error))
    }

    /// Makes the call and reads text, by the charset that the answer names, else UTF-8.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub async fn text(self) -> Result<String, CallError> {
        let client = self.client;
        let read = async {
            let response = answer::good(self.send().await?).await?;
            response.text().await.map_err(CallError::from)
        };
        read.await.map_err(|error| named(client, error))
    }

    /// Makes the call and reads the body as it is.
    ///
    /// # Errors
    ///
    /// [`CallErrorKind::Status`] for an answer that is not 2xx, [`CallErrorKind::Body`] for a body that breaks off or is larger than
    /// `max_response`, and those of [`response`](Self::response).
    pub async fn bytes(self) -> Result<Bytes, CallError> {
        let client = self.client;
        let read = self.read().await;
        read.map(|(_, body)| body)
            .map_err(|error| named(client, error))
    }

    /// Makes the call and leaves its body.
    ///
    /// # Errors
    ///
    /// [`CallErrorKind::Status`] for an answer that is not 2xx, and those of [`response`](Self::response).
    pub async fn nothing(self) -> Result<(), CallError> {
        // Read, not dropped: the connection is kept then. What is too large or breaks off is nobody's loss.
        let client = self.client;
        let read = async {
            let response = answer::good(self.send().await?).await?;
            let _ = response.bytes().await;
            Ok(())
        };
        read.await.map_err(|error| named(client, error))
    }

    async fn read(self) -> Result<(StatusCode, Bytes), CallError> {
        let response = answer::good(self.send().await?).await?;
        let status = response.status();
        let body = response.bytes().await.map_err(CallError::from)?;
        Ok((status, body))
    }

    async fn send(mut self) -> Result<Response, CallError> {
        if path::steps_elsewhere(&self.path) {
            self.refuse(
                "a parameter of the path is `.` or `..`, which no URL can carry as a value"
                    .to_owned(),
            );
        }
        if let Some(error) = self.refused {
            return Err(error);
        }
        let mut url = String::with_capacity(
            self.client.root().len() + self.path.len() + self.query.len() + 1,
        );
        url.push_str(self.client.root());
        url.push_str(&self.path);
        if !self.query.is_empty() {
            url.push(if self.path.contains('?') { '&' } else { '?' });
            url.push_str(&self.query);
        }
        let mut request = self.client.client().request(self.method, url);
        if !self.headers.is_empty() {
            request = request.headers(self.headers);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        if self.options != CallOptions::new() {
            request = request.with_extension(self.options);
        }
        request.send().await.map_err(CallError::from)
    }
}

/// The failure with the names that only the stack would have given it.
#[cold]
fn named(client: &TypedClient, mut error: CallError) -> CallError {
    if error.service().is_none() {
        error = error.with_service(client.service().into());
    }
    match (error.gtxid(), txn::with_current(|txn| *txn.gtxid())) {
        (None, Some(gtxid)) => error.with_gtxid(gtxid),
        _ => error,
    }
}

impl fmt::Debug for TypedCall<'_> {
    /// Without query, headers and body: they may hold what is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCall")
            .field("method", &self.method)
            .field("service", &self.client.service())
            .finish_non_exhaustive()
    }
}
