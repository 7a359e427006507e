//! A body that can be had back.
//!
//! A stream cannot be copied. But a connection that is refused leaves it untouched, and a stream that HTTP/2 turns back has
//! often only had its first pieces read, which nobody has seen. reqwest drops the body with the request that it could not
//! send; so it only gets a loan of it, and the pieces that it reads are kept as well, up to `retry.replay_limit`, 64 KiB (linkerd's replay
//! buffer has the same size). They are shared, not copied.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::Body;

/// The lender's side.
#[derive(Debug)]
pub(super) struct Lent(Slot);

type Slot = Arc<Mutex<State>>;

#[derive(Debug)]
struct State {
    /// `None` when it was taken back.
    body: Option<Body>,
    ended: bool,
    read: VecDeque<Bytes>,
    kept: u64,
    limit: u64,
    /// More was read than is kept.
    spent: bool,
}

impl Lent {
    /// Lends the body: what is to be sent, and the way to get it back.
    pub(super) fn out(body: Body, limit: u64) -> (Body, Self) {
        let slot = Arc::new(Mutex::new(State {
            body: Some(body),
            ended: false,
            read: VecDeque::new(),
            kept: 0,
            limit,
            spent: false,
        }));
        (Body::wrap(Loan(Arc::clone(&slot))), Self(slot))
    }

    /// Whether it could be had back whole.
    pub(super) fn is_whole(&self) -> bool {
        let state = lock(&self.0);
        state.body.is_some() && !state.spent
    }

    /// The whole body, unless too much of it was read.
    pub(super) fn back(self) -> Option<Body> {
        let mut state = lock(&self.0);
        let rest = state.body.take().filter(|_| !state.spent)?;
        let read = std::mem::take(&mut state.read);
        if read.is_empty() && !state.ended {
            return Some(rest);
        }
        let rest = (!state.ended).then_some(rest);
        Some(Body::wrap(Replay { read, rest }))
    }
}

/// The borrower's side. It may outlive the loan: hyper lets go of the body of a refused stream when it comes to it.
struct Loan(Slot);

impl http_body::Body for Loan {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let mut state = lock(&self.0);
        let Some(body) = state.body.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        match &frame {
            None => state.ended = true,
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if state.fits(data) => {
                    state.kept += data.len() as u64;
                    state.read.push_back(data.clone());
                }
                _ => state.spend(),
            },
            Some(Err(_)) => state.spend(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.0);
        state
            .body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl State {
    fn fits(&self, data: &Bytes) -> bool {
        !self.spent && self.kept + data.len() as u64 <= self.limit
    }

    fn spend(&mut self) {
        self.spent = true;
        self.read.clear();
    }
}

/// What was read already, and then the rest.
struct Replay {
    read: VecDeque<Bytes>,
    rest: Option<Body>,
}

impl http_body::Body for Replay {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let this = self.get_mut();
        if let Some(data) = this.read.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut this.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read: u64 = self.read.iter().map(|data| data.len() as u64).sum();
        let rest = self.rest.as_ref();
        let rest = rest.map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, State> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::*;

    const KEPT: u64 = 64 * 1024;

    fn stream_of(pieces: [Bytes; 2]) -> Body {
        Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)))
    }

    fn one_two() -> Body {
        stream_of([Bytes::from_static(b"one"), Bytes::from_static(b"two")])
    }

    #[tokio::test]
    async fn a_body_comes_back_whole_however_much_was_read_and_however_often() {
        for frames in 0..4 {
            let mut body = one_two();
            for _ in 0..3 {
                let (mut sent, lent) = Lent::out(body, KEPT);
                for _ in 0..frames {
                    let _read = sent.frame().await;
                }
                body = lent.back().unwrap();
                assert!(sent.frame().await.is_none(), "the loan is over");
            }
            let whole = body.collect().await.unwrap().to_bytes();
            assert_eq!(whole, "onetwo", "{frames}");
        }
    }

    #[tokio::test]
    async fn a_body_of_which_much_was_read_does_not_come_back() {
        let pieces = [Bytes::from(vec![0; 64 * 1024]), Bytes::from_static(b"x")];
        let (mut sent, lent) = Lent::out(stream_of(pieces), KEPT);
        while sent.frame().await.is_some() {}
        assert!(lent.back().is_none());
    }

    #[tokio::test]
    async fn loan_and_replay_are_as_long_as_the_body() {
        let (mut sent, lent) = Lent::out(Body::from("body"), KEPT);
        assert_eq!(sent.size_hint().exact(), Some(4));
        let _read = sent.frame().await;
        assert_eq!(lent.back().unwrap().size_hint().exact(), Some(4));
    }
}
