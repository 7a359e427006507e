//! Decisions that no call tells: they are noted in the request that the task works on.

use crate::clock::{self, Instant};
use crate::event::{Event, Observer};
use crate::txn;

/// Notes events in the page of the request whose task tells them.
///
/// For the server's own policies and for policies around functions. What a client decides on a call is noted by the call itself,
/// which knows which one it is; so its observers include [`Noting::of_client`] instead.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Noting {
    client: bool,
}

impl Noting {
    /// Notes everything.
    pub const fn everything() -> Self {
        Self { client: false }
    }

    /// Notes only what a client's calls do not note themselves.
    pub const fn of_client() -> Self {
        Self { client: true }
    }

    fn notes(self, event: &Event<'_>) -> bool {
        match event {
            Event::Ejected { .. }
            | Event::Returned { .. }
            | Event::Draining { .. }
            | Event::Panicked { .. }
            | Event::Coalesced { .. }
            | Event::CacheHit { .. }
            | Event::FellBack { .. }
            | Event::FaultInjected { .. }
            | Event::Refused {
                policy: "limit", ..
            } => true,
            Event::Picked { .. } | Event::AttemptEnded { .. } | Event::CallEnded { .. } => false,
            _ => !self.client,
        }
    }
}

impl Observer for Noting {
    fn on_event(&self, event: &Event<'_>) {
        if self.notes(event) {
            self.on_event_at(event, clock::now());
        }
    }

    fn on_event_at(&self, event: &Event<'_>, now: Instant) {
        if self.notes(event) {
            // Whatever happens outside of any request is nothing for a journal of requests.
            let _outside = txn::with_current(|txn| {
                if let Some(notes) = txn.notes() {
                    notes.note(event, now);
                }
            });
        }
    }
}
