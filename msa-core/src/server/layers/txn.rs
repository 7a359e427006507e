//! Begins or goes on with the transaction of a request.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{Extensions, HeaderValue, Request, StatusCode};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::{Layer, Service};

use crate::clock;
use crate::event::Event;
use crate::problem::TXN_RETRY;
use crate::server::inbound::Inbound;
use crate::txn::{Incoming, Txn, TxnBody, scope, sync_scope};

/// Reads or mints the ids, runs what is below inside the transaction, answers with the GTXID.
#[derive(Debug, Clone)]
pub(crate) struct TxnLayer(pub(crate) Arc<Inbound>);

impl<S> Layer<S> for TxnLayer {
    type Service = TxnService<S>;

    fn layer(&self, inner: S) -> TxnService<S> {
        TxnService {
            inner,
            inbound: self.0.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct TxnService<S> {
    inner: S,
    inbound: Arc<Inbound>,
}

impl<S> Service<Request<Body>> for TxnService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = TxnFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<Body>) -> TxnFuture<S::Future> {
        let inbound = &self.inbound;
        let peer = peer(request.extensions());
        let mut incoming = inbound
            .headers
            .extract_from(request.headers(), peer, &inbound.trust);
        if !incoming.rejected.is_empty() {
            tell_rejected(inbound, &incoming);
        }
        let now = clock::now();
        let mint = || inbound.minter.mint(clock::unix_ms_at(now));
        if incoming.gtxid.is_none()
            && incoming
                .ltxid
                .is_some_and(|hop| hop.get() > inbound.max_hops)
        {
            // Somebody on the way loses GTXIDs: begun anew at hop 1, a loop would never end.
            incoming.gtxid = Some(mint());
        }
        let txn = Txn::from_incoming(&incoming, mint, inbound.request_timeout, now);
        request.extensions_mut().insert(txn.clone());
        // `call` may look at the transaction as well as the future that it returns.
        let future = sync_scope(txn.clone(), || self.inner.call(request));
        TxnFuture {
            inner: scope(txn.clone(), future),
            txn,
            inbound: inbound.clone(),
        }
    }
}

/// Our own listener tells the peer, and so does axum's when asked to.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.0.ip())
}

/// Whether somebody above might send the request again for this status.
fn is_worth_a_retry(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The values are left out: they come from outside and are not well formed.
#[cold]
fn tell_rejected(inbound: &Inbound, incoming: &Incoming) {
    for name in inbound.headers.rejected_names(incoming.rejected) {
        inbound.observers.tell(&Event::HeaderRejected {
            header: name.as_str(),
        });
        tracing::debug!(target: "msa::txn", header = name.as_str(), "a transaction header is not well formed");
    }
}

pin_project! {
    pub struct TxnFuture<F> {
        #[pin]
        inner: TaskLocalFuture<Txn, F>,
        txn: Txn,
        inbound: Arc<Inbound>,
    }
}

impl<F, E> Future for TxnFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        response.headers_mut().insert(
            this.inbound.headers.gtxid_name().clone(),
            this.txn.gtxid().header_value(),
        );
        if this.txn.is_retry_forbidden() && is_worth_a_retry(response.status()) {
            let never = HeaderValue::from_static("never");
            response.headers_mut().insert(TXN_RETRY, never);
        }
        // A body of a known length is there already: no code of the handler runs while it is sent.
        if response.body().size_hint().exact().is_none() {
            let txn = this.txn.without_deadline();
            response = response.map(|body| Body::new(TxnBody::new(body, txn)));
        }
        Poll::Ready(Ok(response))
    }
}
