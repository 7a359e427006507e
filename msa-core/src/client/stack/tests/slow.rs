//! A transport that waits wherever one can.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};

use crate::client::transport::{Failure, SendFuture, SendOptions, Transport, TransportError};
use crate::discovery::Endpoint;

/// Pending this many times at each stage.
const PENDINGS: usize = 2;

async fn pause() {
    for _ in 0..PENDINGS {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Attempt {
    Answers(u16),
    AnswersAfter(u64, u16),
    Fails(Failure),
    Hangs,
}

/// Does one thing after the other and the last for ever; waits when it connects, for the headers, and at each piece of the body.
#[derive(Debug)]
pub(super) struct Slow(Mutex<VecDeque<Attempt>>);

impl Slow {
    pub(super) fn new(attempts: &[Attempt]) -> Self {
        Self(Mutex::new(attempts.iter().copied().collect()))
    }

    fn next(&self) -> Attempt {
        let mut attempts = self.0.lock().unwrap();
        match attempts.len() {
            1 => attempts[0],
            _ => attempts.pop_front().unwrap(),
        }
    }
}

impl Transport for Slow {
    fn send<'a>(
        &'a self,
        _endpoint: &'a Endpoint,
        request: Request,
        _options: &'a SendOptions<'a>,
    ) -> SendFuture<'a> {
        let attempt = self.next();
        Box::pin(async move {
            pause().await;
            let status = match attempt {
                Attempt::Answers(status) => status,
                Attempt::AnswersAfter(ms, status) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    status
                }
                Attempt::Fails(failure) => return Err(TransportError::new(failure)),
                Attempt::Hangs => std::future::pending().await,
            };
            pause().await;
            let response = http::Response::builder()
                .status(status)
                .url(request.url().clone());
            Ok(Response::from(response.body(body()).unwrap()))
        })
    }
}

/// Three pieces, each of which is waited for.
fn body() -> Body {
    let (mut pieces, mut waits) = (3, PENDINGS);
    Body::wrap_stream(futures_util::stream::poll_fn(move |cx| {
        if waits > 0 {
            waits -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        waits = PENDINGS;
        if pieces == 0 {
            return Poll::Ready(None);
        }
        pieces -= 1;
        Poll::Ready(Some(Ok::<_, std::io::Error>(Bytes::from_static(b"piece"))))
    }))
}
