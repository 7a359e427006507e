//! The transaction around a streaming body.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{Txn, sync_scope};

pin_project! {
    /// A body that is polled inside its transaction.
    ///
    /// A handler's task-local is gone when the server polls the body that the handler returned; code inside a stream
    /// (a log line, a call) would stand outside of its transaction.
    #[derive(Debug)]
    pub struct TxnBody<B> {
        #[pin]
        inner: B,
        txn: Txn,
    }
}

impl<B> TxnBody<B> {
    /// Carries the transaction into the body.
    pub fn new(inner: B, txn: Txn) -> Self {
        Self { inner, txn }
    }
}

impl<B: Body> Body for TxnBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        sync_scope(this.txn.clone(), || this.inner.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::txn::current;

    #[tokio::test]
    async fn a_stream_sees_the_transaction_of_its_handler() {
        let txn = Txn::begin();
        let stream = stream::once(async {
            let seen = current()
                .map(|txn| txn.gtxid().to_string())
                .unwrap_or_default();
            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(seen)))
        });
        let body = TxnBody::new(StreamBody::new(stream), txn.clone());
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes, txn.gtxid().as_str());
    }
}
