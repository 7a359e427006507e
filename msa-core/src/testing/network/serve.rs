//! The server's side of an exchange: a task that answers and then feeds the body, while the link holds.

use axum::body::Body;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use reqwest::ResponseBuilderExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::answer::{Answer, Piece};
use super::instance::{Link, Reach};
use crate::client::transport::{Failure, TransportError};

/// A task that ends with its holder.
#[derive(Debug)]
pub(in crate::testing) struct AbortOnDrop(AbortHandle);

impl AbortOnDrop {
    // Without the caller's transaction, on purpose: nothing but bytes crosses a wire.
    pub(in crate::testing) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task).abort_handle())
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs what answers in a task of its own; `None` from it breaks the connection, as a panic does.
pub(super) async fn exchange(
    answer: impl Future<Output = Option<Response<Body>>> + Send + 'static,
    link: watch::Receiver<Link>,
    epoch: u64,
    url: url::Url,
) -> Result<reqwest::Response, TransportError> {
    let (head, received) = oneshot::channel();
    let task = AbortOnDrop::spawn(async move {
        let mut killed = link.clone();
        tokio::select! {
            biased;
            // An error means that the instance is gone altogether.
            _ = killed.wait_for(|link| link.epoch != epoch) => {}
            () = respond(answer, head, link) => {}
        }
    });
    let (response, pieces) = received
        .await
        .map_err(|_| TransportError::new(Failure::Reset))?;
    let (parts, size) = response.into_parts();
    let body = reqwest::Body::wrap(Answer::new(pieces, size, task));
    let mut builder = Response::builder()
        .status(parts.status)
        .version(parts.version);
    if let Some(headers) = builder.headers_mut() {
        *headers = parts.headers;
    }
    builder
        .url(url)
        .body(body)
        .map(reqwest::Response::from)
        .map_err(|error| TransportError::because(Failure::Protocol, error))
}

type Head = (Response<Option<u64>>, mpsc::Receiver<Piece>);

async fn respond(
    answer: impl Future<Output = Option<Response<Body>>>,
    head: oneshot::Sender<Head>,
    mut link: watch::Receiver<Link>,
) {
    let Some(response) = answer.await else {
        return;
    };
    let (mut parts, mut body) = response.into_parts();
    let size = body.size_hint().exact();
    if let Some(size) = size
        && !parts.headers.contains_key(CONTENT_LENGTH)
        && parts.status.as_u16() >= 200
        && !matches!(parts.status.as_u16(), 204 | 304)
    {
        // As hyper does.
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(size));
    }
    // One piece under way: a reader that is slow makes the writer slow.
    let (sender, pieces) = mpsc::channel(1);
    if !reachable(&mut link).await
        || head
            .send((Response::from_parts(parts, size), pieces))
            .is_err()
    {
        return; // nobody waits any more
    }
    loop {
        let piece = match body.frame().await {
            Some(Ok(frame)) => Piece::Frame(frame),
            Some(Err(_)) => return, // the connection breaks
            None => Piece::End,
        };
        let last = matches!(piece, Piece::End);
        if !reachable(&mut link).await || sender.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// Waits out a partition; `false` when the instance is gone.
async fn reachable(link: &mut watch::Receiver<Link>) -> bool {
    link.wait_for(|link| link.reach != Reach::CutOff)
        .await
        .is_ok()
}
