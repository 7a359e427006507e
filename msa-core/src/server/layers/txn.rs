//! Begins or goes on with the transaction of a request.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{Extensions, HeaderValue, Request, StatusCode};

use super::journal::{self, Noted};
use crate::clock::{self, Instant};
use crate::event::Event;
use crate::problem::TXN_RETRY;
use crate::server::inbound::Inbound;
use crate::txn::{Incoming, Txn, TxnBody, sync_scope};

/// Reads or mints the ids; the request carries the transaction from here on.
#[inline]
pub(crate) fn begin(inbound: &Inbound, request: &mut Request<Body>, now: Instant) -> (Txn, Noted) {
    let peer = peer(request.extensions());
    let mut incoming = inbound
        .headers
        .extract_from(request.headers(), peer, &inbound.trust);
    if inbound.trust.believes(peer) {
        let propagation = inbound.traces.propagation();
        propagation.extract(request.headers(), &mut incoming);
    }
    let mint = || inbound.minter.mint(clock::unix_ms_at(now));
    if incoming.gtxid.is_none()
        && incoming
            .ltxid
            .is_some_and(|hop| hop.get() > inbound.max_hops)
    {
        // Somebody on the way loses GTXIDs: begun anew at hop 1, a loop would never end.
        incoming.gtxid = Some(mint());
    }
    let mut txn = Txn::from_incoming(&incoming, mint, inbound.request_timeout, now);
    txn.came_by(request.extensions().get());
    txn.spanned_by(&inbound.minter);
    inbound.traces.sampler().decide_anew(&txn);
    let (txn, noted) = journal::open(inbound, txn, request, peer, now);
    if !incoming.rejected.is_empty() {
        sync_scope(txn.clone(), || tell_rejected(inbound, &incoming));
    }
    request.extensions_mut().insert(txn.clone());
    (txn, noted)
}

/// Answers with the GTXID, tells those above when what there was for retries is spent, and carries the transaction into a body that is still to come.
#[inline]
pub(crate) fn answer(inbound: &Inbound, txn: &Txn, response: &mut Response) {
    response.headers_mut().insert(
        inbound.headers.gtxid_name().clone(),
        txn.gtxid().header_value(),
    );
    if txn.is_retry_forbidden() && is_worth_a_retry(response.status()) {
        let never = HeaderValue::from_static("never");
        response.headers_mut().insert(TXN_RETRY, never);
    }
    // A body of a known length is there already: no code of the handler runs while it is sent.
    if response.body().size_hint().exact().is_none() {
        let body = std::mem::take(response.body_mut());
        *response.body_mut() = Body::new(TxnBody::new(body, txn.without_deadline()));
    }
}

/// Whether somebody above might send the request again for this status.
fn is_worth_a_retry(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Our own listener tells the peer, and so does axum's when asked to.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.0.ip())
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
