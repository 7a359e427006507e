//! What the policies tell: one typed stream of events.
//!
//! Every decision that msa takes on a call or a request is an [`Event`]. Faces hand it to the [`Observer`]s that they
//! were given; logs, metrics, the journal and the test recorder are observers. This file stands at the ground floor, so
//! that every part may name the events without importing the part that makes them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One decision or outcome.
///
/// Borrowed, so that telling costs no allocation; an observer that keeps one copies what it needs.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An endpoint was chosen for an attempt.
    Picked {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// Which try of the call this is, from 1.
        attempt: u32,
    },
    /// An attempt's response headers arrived, or it failed.
    AttemptEnded {
        /// The logical service name.
        service: &'a str,
        /// The endpoint, as `host:port`.
        endpoint: &'a str,
        /// Which try of the call this was, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome<'a>,
        /// From the start of the attempt to its headers or failure.
        elapsed: Duration,
    },
    /// A logical call ended: its body was read, dropped or failed, or there was never a response.
    CallEnded {
        /// The logical service name.
        service: &'a str,
        /// How many attempts it took; 0 when it was refused before the first.
        attempts: u32,
        /// What the caller got.
        outcome: Outcome<'a>,
        /// From the call to the end of its body.
        elapsed: Duration,
    },
    /// A request came with an LTXID above the maximum and was answered 508.
    LoopRefused {
        /// The LTXID that it carried.
        ltxid: u64,
    },
    /// A transaction header was not well formed and was replaced or ignored.
    HeaderRejected {
        /// The header's name.
        header: &'a str,
    },
    /// The snapshot of a service's endpoints changed.
    EndpointsChanged {
        /// The logical service name.
        service: &'a str,
        /// How many endpoints it has now.
        endpoints: usize,
    },
    /// A discovery source failed; the last good snapshot stays.
    DiscoveryFailed {
        /// The logical service name, or `*` when the source serves all of them.
        service: &'a str,
        /// What the source said.
        reason: &'a str,
    },
    /// The configuration was read again.
    ConfigReloaded {
        /// `false` when it was refused and the last good one stays.
        accepted: bool,
    },
}

/// What came of an attempt or of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// A response with this status.
    Status(u16),
    /// No response: the name of the error's kind, such as `connect`.
    Failed(&'a str),
    /// The caller went away before the headers arrived.
    Cancelled,
}

/// Somebody who is told of events.
///
/// Called on the hot path: must not block and should not allocate.
pub trait Observer: Send + Sync + 'static {
    /// Tells one event.
    fn on_event(&self, event: &Event<'_>);
}

/// The observers of one service or client; cheap to clone.
#[derive(Clone, Default)]
pub struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    /// No observers.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These observers and one more.
    #[must_use]
    pub fn with(&self, observer: Arc<dyn Observer>) -> Self {
        Self(self.0.iter().cloned().chain([observer]).collect())
    }

    /// Tells every observer, in the order they were added.
    #[inline]
    pub fn tell(&self, event: &Event<'_>) {
        for observer in self.0.iter() {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("len", &self.0.len())
            .finish()
    }
}
