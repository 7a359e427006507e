//! The transaction journal: recent requests in memory, with each call, each attempt, each decision and its reason.
//!
//! So a GTXID from an error page can be looked up at the service itself (`GET /txn/{gtxid}` on the management listener), without a
//! tracing backend, and without having decided before which requests to sample.
//!
//! Each request has a *page*, from its beginning on: one that hangs is there to be found. It is written as bytes, one after another,
//! so a request costs an allocation or two and calls cost none; only reading makes sense of them. Pages stand in two rings of a bounded
//! size ([`JournalSettings`]): errors and slow requests in one, the others in the other, so that what is worth looking up stays
//! longest. What is noted of a call: the service, method, path without its query, endpoints, outcomes, times, and reasons. Never
//! a header, a query, a body or the text of an error, so no secret of theirs.
//!
//! ```
//! use msa_core::clock;
//! use msa_core::config::JournalSettings;
//! use msa_core::event::{Event, Outcome};
//! use msa_core::telemetry::journal::{Journal, Opening};
//! use msa_core::txn::Txn;
//!
//! let journal = Journal::new("shop", &JournalSettings::default());
//! let (txn, now) = (Txn::begin(), clock::now());
//! let opening = Opening { txn: &txn, method: "POST", route: "/orders", peer: None };
//! let page = journal.open(&opening, now).ok_or("it is switched off")?;
//! page.notes().call_began(1, "stock-service", "GET", "/stock/7", now);
//! page.end(503, now);
//!
//! let found = journal.find(txn.gtxid());
//! assert_eq!(found[0].status, Some(503));
//! assert_eq!(found[0].calls[0].branch, "1.1");
//! # Ok::<(), &str>(())
//! ```
//!
//! | setting | default | |
//! | --- | --- | --- |
//! | `telemetry.journal.enabled` | `true` | whether requests are kept at all |
//! | `telemetry.journal.max_size` | `4MiB` | both rings together |
//! | `telemetry.journal.max_entry` | `16KiB` | one request: beyond it calls and attempts are only counted |
//! | `telemetry.journal.slow` | not set | what is slow; unset, what is above the 99th percentile |
//! | `telemetry.journal.ask_timeout` | `2s` | how long `?scope=all` waits for other services |

mod bytes;
mod entry;
mod note;
mod observer;
mod page;
mod ports;
mod read;
mod rings;
mod said;
mod slow;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use entry::{AttemptEntry, CallEntry, Decision, Entry, OutcomeEntry, Summary};
pub use observer::Noting;
pub use page::{OpenPage, Opening};
pub use ports::ADMIN_HEADER;
pub use text::tree;

use self::page::Page;
use self::rings::Rings;
use crate::clock::Instant;
use crate::config::JournalSettings;
use crate::txn::{Gtxid, Minter, Txn};

/// A transaction may come by so often; more of it is not shown.
const SHOWN: usize = 100;

/// The journal of one service. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    service: Arc<str>,
    instance: String,
    rings: Arc<Rings>,
}

/// How full a journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fill {
    /// Errors and slow requests that are kept.
    pub kept: usize,
    /// The bytes that they take.
    pub kept_bytes: usize,
    /// Other requests.
    pub recent: usize,
    /// The bytes that they take.
    pub recent_bytes: usize,
}

impl Journal {
    /// An empty journal of this service.
    #[must_use]
    pub fn new(service: impl Into<Arc<str>>, settings: &JournalSettings) -> Self {
        let instance = Minter::default().mint(0);
        let instance = instance.as_str();
        Self(Arc::new(Inner {
            service: service.into(),
            // The half that is chance.
            instance: instance.get(20..).unwrap_or(instance).to_owned(),
            rings: Arc::new(Rings::new(settings)),
        }))
    }

    /// Takes over changed settings. A journal that is switched off forgets.
    pub fn configure(&self, settings: &JournalSettings) {
        self.0.rings.configure(settings);
    }

    /// The service whose journal it is.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.service
    }

    /// The id of this process, new at each start.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.0.instance
    }

    /// Opens the page of a request, unless the journal is switched off.
    #[inline]
    #[must_use]
    pub fn open(&self, opening: &Opening<'_>, now: Instant) -> Option<OpenPage> {
        let rings = &self.0.rings;
        if !rings.is_on() {
            return None;
        }
        let page = Page::open(opening, rings.page_limit(), rings, now);
        rings.opened(&page, page.size_now());
        Some(OpenPage(page))
    }

    /// The transaction with a page, for a call that stands in no request: the page ends with the call.
    #[must_use]
    pub fn note_alone(&self, txn: Txn, now: Instant) -> Txn {
        let opening = Opening {
            txn: &txn,
            method: "",
            route: "",
            peer: None,
        };
        match self.open(&opening, now) {
            Some(page) => txn.noted_in(page.notes()),
            None => txn,
        }
    }

    /// What is known of a transaction, oldest request first.
    #[must_use]
    pub fn find(&self, gtxid: &Gtxid) -> Vec<Entry> {
        let pages = self.0.rings.find(gtxid);
        let pages = pages.iter().take(SHOWN);
        pages
            .map(|page| read::entry(page, &self.0.service, &self.0.instance))
            .collect()
    }

    /// The latest requests, newest first: errors and slow ones, or the others.
    #[must_use]
    pub fn latest(&self, kept: bool, count: usize) -> Vec<Summary> {
        let pages = self.0.rings.latest(kept, count);
        pages.iter().map(|page| read::summary(page)).collect()
    }

    /// The port of the management listener that an endpoint, as `host:port`, told last.
    #[must_use]
    pub fn admin_port(&self, endpoint: &str) -> Option<u16> {
        self.0.rings.ports.of(endpoint)
    }

    /// What a request has to take to count as slow; `None` until there were enough to tell.
    #[must_use]
    pub fn slow_from(&self) -> Option<Duration> {
        self.0.rings.slow_from()
    }

    /// How full it is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        let [(kept, kept_bytes), (recent, recent_bytes)] = self.0.rings.held();
        Fill {
            kept,
            kept_bytes,
            recent,
            recent_bytes,
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("service", &self.0.service)
            .field("fill", &self.fill())
            .finish_non_exhaustive()
    }
}
