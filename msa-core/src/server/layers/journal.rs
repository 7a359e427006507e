//! The request's page in the transaction journal, and where to ask for it.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use http::{HeaderValue, Request};

use crate::clock::{self, Instant};
use crate::server::inbound::Inbound;
use crate::telemetry::journal::{ADMIN_HEADER, OpenPage, Opening};
use crate::txn::{Ltxid, Txn};

/// The page of a request that has no answer yet; dropped, its client went away.
pub(crate) struct Noted {
    page: Option<OpenPage>,
    /// Whether the caller is on this machine.
    near: bool,
}

/// Opens the page; what the transaction does from here on is noted in it.
#[inline]
pub(crate) fn open(
    inbound: &Inbound,
    txn: Txn,
    request: &Request<Body>,
    peer: Option<IpAddr>,
    now: Instant,
) -> (Txn, Noted) {
    let near = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let page = inbound.journal.as_ref().and_then(|journal| {
        let route = request.extensions().get::<MatchedPath>();
        let opening = Opening {
            txn: &txn,
            method: request.method().as_str(),
            route: route.map_or("", MatchedPath::as_str),
            peer,
        };
        journal.open(&opening, now)
    });
    let txn = match &page {
        Some(page) => txn.noted_in(page.notes()),
        None => txn,
    };
    (txn, Noted { page, near })
}

impl Noted {
    /// The answer's head is there. Callers of our kind are told where the management listener is, if they can reach it.
    #[inline]
    pub(crate) fn answer(
        &mut self,
        inbound: &Inbound,
        txn: &Txn,
        response: &mut Response,
        now: Instant,
    ) {
        let Some(page) = self.page.take() else { return };
        page.end(response.status().as_u16(), now);
        if txn.ltxid() != Ltxid::FIRST
            && let Some(admin) = inbound.admin.get()
            && (admin.far || self.near)
        {
            let headers = response.headers_mut();
            headers.insert(ADMIN_HEADER, admin.port.clone());
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(page) = self.page.take() {
            page.abandoned(clock::now());
        }
    }
}

/// Where the management listener is.
#[derive(Debug)]
pub(crate) struct AdminPort {
    pub(crate) port: HeaderValue,
    /// Whether other machines can reach it.
    pub(crate) far: bool,
}
