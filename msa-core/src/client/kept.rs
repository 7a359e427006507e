//! What stays of a request while it is sent, so that it can be sent again.
//!
//! A request without a body, or with one that is all in memory, is copied: its bytes are shared, not copied. A stream cannot be
//! copied, but can be had back as long as not much of it was read ([`lend`](super::lend)).

use reqwest::{Body, Request};
use url::Url;

use super::lend::Lent;

/// What stays here while the request is sent: a copy with its logical URL back, or of one whose body is a stream all the rest.
pub(super) fn keep(request: &mut Request, url: Url, limit: u64) -> Option<Kept> {
    if request.body().is_none() {
        return Some(Kept::Copy(without_body(request, url)));
    }
    if let Some(mut copy) = request.try_clone() {
        *copy.url_mut() = url;
        return Some(Kept::Copy(copy));
    }
    let copy = without_body(request, url);
    let (body, lent) = Lent::out(request.body_mut().take()?, limit);
    *request.body_mut() = Some(body);
    Some(Kept::Lent(copy, lent))
}

/// What stays of a request while it is sent.
pub(super) enum Kept {
    /// All of it.
    Copy(Request),
    /// All but its body, a stream that cannot be copied: it comes back unless much of it was read.
    Lent(Request, Lent),
}

impl Kept {
    /// Whether all of it is there still, so that it can be sent again. `limit` is how long a body may be that might have been
    /// processed already; none holds for one that was not, since keeping it cost nothing.
    pub(super) fn is_whole(&self, limit: Option<u64>) -> bool {
        match self {
            Self::Copy(request) => {
                let length = |body: &Body| body.as_bytes().map(|bytes| bytes.len() as u64);
                let length = request.body().and_then(length).unwrap_or_default();
                limit.is_none_or(|limit| length <= limit)
            }
            Self::Lent(_, lent) => lent.is_whole(),
        }
    }

    /// Whether [`copy`](Self::copy) gives one.
    pub(super) fn can_be_copied(&self) -> bool {
        matches!(self, Self::Copy(_))
    }

    /// The request, to be sent again.
    pub(super) fn back(self) -> Option<Request> {
        match self {
            Self::Copy(request) => Some(request),
            Self::Lent(mut request, lent) => {
                *request.body_mut() = Some(lent.back()?);
                Some(request)
            }
        }
    }

    /// A second one beside it; none of a request whose body is lent.
    pub(super) fn copy(&self) -> Option<Request> {
        match self {
            Self::Copy(request) => request.try_clone(),
            Self::Lent(..) => None,
        }
    }
}

/// What `try_clone` does, without the map that it makes for a timeout that is not there.
pub(super) fn without_body(request: &Request, url: Url) -> Request {
    let mut copy = Request::new(request.method().clone(), url);
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    copy
}
