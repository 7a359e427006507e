//! Which one: choosing the endpoint of an attempt.
//!
//! A [`Balancer`] is told of each new [`EndpointSet`] and picks from it. What a pick counts (requests in flight,
//! latency) is held by the [`Pick`], which gives it back when it is dropped.

use std::fmt;

use crate::clock::Instant;
use crate::discovery::{Endpoint, EndpointSet};

/// An algorithm that chooses endpoints for one service.
pub trait Balancer: Send + Sync + fmt::Debug + 'static {
    /// Takes over a new snapshot; statistics of endpoints that stay are kept.
    fn update(&self, endpoints: &EndpointSet, now: Instant);

    /// Chooses an endpoint, or `None` when there is none to choose.
    fn pick(&self, hint: &PickHint<'_>, now: Instant) -> Option<Pick>;
}

/// What a call asks of the choice.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct PickHint<'a> {
    /// Endpoints that this call has tried already: taken again only when there is no other.
    pub avoid: &'a [Endpoint],
}

impl<'a> PickHint<'a> {
    /// A choice that avoids these endpoints.
    #[must_use]
    pub fn avoiding(avoid: &'a [Endpoint]) -> Self {
        Self { avoid }
    }
}

/// What becomes of a picked endpoint; implemented by an algorithm that keeps statistics.
///
/// Dropping it ends the request: what was counted is given back. A drop before [`Ticket::headers`] means that the call
/// was cancelled.
pub trait Ticket: Send + Sync + fmt::Debug {
    /// The response's headers arrived (`ok` tells whether they count as a success), or the attempt failed.
    fn headers(&mut self, ok: bool, now: Instant);

    /// The body ended.
    fn complete(&mut self, now: Instant);
}

/// A chosen endpoint: a guard over what the choice counted.
#[must_use = "dropping a pick at once counts the request as cancelled"]
#[derive(Debug)]
pub struct Pick {
    endpoint: Endpoint,
    ticket: Option<Box<dyn Ticket>>,
}

impl Pick {
    /// A pick that counts nothing.
    pub fn plain(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            ticket: None,
        }
    }

    /// A pick whose outcome the algorithm wants to know.
    pub fn counted(endpoint: Endpoint, ticket: Box<dyn Ticket>) -> Self {
        Self {
            endpoint,
            ticket: Some(ticket),
        }
    }

    /// The endpoint to call.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Tells that the response's headers arrived, or that the attempt failed.
    pub fn headers(&mut self, ok: bool, now: Instant) {
        if let Some(ticket) = &mut self.ticket {
            ticket.headers(ok, now);
        }
    }

    /// Tells that the body ended; the guard may be dropped afterwards.
    pub fn complete(&mut self, now: Instant) {
        if let Some(ticket) = &mut self.ticket {
            ticket.complete(now);
        }
    }
}
