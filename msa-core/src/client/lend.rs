//! A body that comes back if nobody reads it.
//!
//! A stream cannot be copied, but a connection that is refused, or given up before it takes the request, leaves it
//! untouched. reqwest drops the body with the request that it could not send; so it only gets a loan of it, and the body
//! moves there when it is read for the first time.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use reqwest::Body;

/// The lender's side.
pub(super) struct Lent(Slot);

type Slot = Arc<Mutex<Option<Body>>>;

impl Lent {
    /// Lends the body: what is to be sent, and the way to get it back.
    pub(super) fn out(body: Body) -> (Body, Self) {
        let size_hint = body.size_hint();
        let slot = Arc::new(Mutex::new(Some(body)));
        let loan = Loan {
            slot: Arc::clone(&slot),
            begun: None,
            size_hint,
        };
        (Body::wrap(loan), Self(slot))
    }

    /// The body, unless its reading has begun.
    pub(super) fn back(self) -> Option<Body> {
        take(&self.0)
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

/// The borrower's side.
struct Loan {
    slot: Slot,
    begun: Option<Body>,
    size_hint: SizeHint,
}

impl http_body::Body for Loan {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let this = self.get_mut();
        if this.begun.is_none() {
            this.begun = take(&this.slot);
        }
        match &mut this.begun {
            Some(body) => Pin::new(body).poll_frame(cx),
            // It was taken back, and whoever still reads it has been given up.
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        // hyper sends no body at all for one that says so, and a loan cannot come back from that.
        self.begun.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.begun {
            Some(body) => body.size_hint(),
            None => self.size_hint,
        }
    }
}

fn take(slot: &Slot) -> Option<Body> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    fn stream_of(text: &'static str) -> Body {
        Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(text)]))
    }

    #[tokio::test]
    async fn a_body_that_nobody_read_comes_back_whole() {
        let (sent, lent) = Lent::out(stream_of("body"));
        drop(sent);
        let back = lent.back().unwrap().collect().await.unwrap();
        assert_eq!(back.to_bytes(), "body");
    }

    #[tokio::test]
    async fn a_body_whose_reading_has_begun_does_not() {
        let (mut sent, lent) = Lent::out(stream_of("body"));
        let frame = sent.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "body");
        assert!(lent.back().is_none());
        assert!(sent.frame().await.is_none());
    }

    #[test]
    fn a_loan_is_as_long_as_its_body() {
        let (sent, _lent) = Lent::out(Body::from("body"));
        assert_eq!(sent.size_hint().exact(), Some(4));
    }
}
