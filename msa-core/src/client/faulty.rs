//! What injected faults do to an attempt: the place between its time limit and the transport.

use http::header::CONTENT_TYPE;
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};

use super::record::CallRecord;
use super::transport::{SendOptions, Transport};
use super::{CallError, CallErrorKind};
use crate::discovery::Endpoint;
use crate::fault::{Faults, Injected, SlowBody};
use crate::problem::Problem;

/// Sends the request, unless a fault answers in its place.
pub(super) async fn send(
    faults: &Faults,
    transport: &dyn Transport,
    endpoint: &Endpoint,
    request: Request,
    options: &SendOptions<'_>,
    record: &CallRecord,
) -> Result<Response, CallError> {
    let plan = faults.decide(None, request.url().path(), request.headers());
    if !plan.is_none() {
        record.met(&plan);
    }
    let struck = match plan.suffer().await {
        Ok(struck) => struck,
        Err(Injected::Abort(status)) => {
            let detail = "a fault on purpose: see `fault` of this client's settings";
            let problem = Problem::new(status).detail(detail).to_json();
            let response = http::Response::builder()
                .status(status)
                .header(CONTENT_TYPE, "application/problem+json")
                .url(request.url().clone())
                .body(Body::from(problem.to_string()));
            return response.map(Response::from).map_err(unmade);
        }
        Err(lost) => return Err(CallError::new(CallErrorKind::Fault, lost.to_string())),
    };
    let response = transport.send(endpoint, request, options).await?;
    let Some(rate) = struck.slow_body else {
        return Ok(response);
    };
    let url = response.url().clone();
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    let mut builder = http::Response::builder()
        .status(parts.status)
        .version(parts.version)
        .url(url);
    if let Some(headers) = builder.headers_mut() {
        *headers = parts.headers;
    }
    let response = builder.body(Body::wrap(SlowBody::new(body, rate)));
    response.map(Response::from).map_err(unmade)
}

/// Its parts were a response's, or ours.
fn unmade(error: http::Error) -> CallError {
    let text = "the response cannot be put together";
    CallError::new(CallErrorKind::Invalid, text).with_source(error)
}
