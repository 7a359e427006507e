//! One request, or one call that the program makes of its own accord: written while it runs.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::bytes::Put;
use super::note::{self, micros};
use super::rings::Rings;
use crate::clock::{self, Instant};
use crate::event::{Event, Notes, Outcome};
use crate::txn::{Gtxid, Txn};

/// The answer that nobody waited for, as nginx and the access log have it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// What a page begins with.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Opening<'a> {
    /// The transaction at this service.
    pub txn: &'a Txn,
    /// The request's method; empty for a call that the program makes of its own accord.
    pub method: &'a str,
    /// The route that it matched; empty when none did.
    pub route: &'a str,
    /// Who sent it, where the listener tells.
    pub peer: Option<IpAddr>,
}

/// An open page: what befalls the request is noted in it until nobody holds it any more.
pub(super) struct Page {
    pub(super) gtxid: Gtxid,
    pub(super) opened: Instant,
    /// Which part of the rings is its transaction's.
    pub(super) shard: usize,
    /// Which of the rings it stands in; changed under the rings' lock alone.
    pub(super) place: AtomicU8,
    /// The bytes that the rings count for it; changed under the rings' lock alone.
    pub(super) counted: AtomicUsize,
    /// Whether it is a call's of the program's own, and so ends with it.
    own: bool,
    writing: Mutex<Writing>,
    limit: usize,
    rings: Weak<Rings>,
    me: Weak<Self>,
}

/// What is written of a page so far.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub(super) bytes: Vec<u8>,
    pub(super) end: Option<End>,
    /// A call failed, or was answered with 500 or more.
    pub(super) failed: bool,
    /// So many notes had no room.
    pub(super) left_out: u32,
}

/// How the request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// 0 for one that has none.
    pub(super) status: u16,
    /// In microseconds.
    pub(super) took: u64,
}

impl Page {
    pub(super) fn open(
        opening: &Opening<'_>,
        limit: usize,
        rings: &Arc<Rings>,
        now: Instant,
    ) -> Arc<Self> {
        let txn = opening.txn;
        let mut bytes = Vec::with_capacity(FIRST);
        bytes.put(clock::unix_us_at(now));
        bytes.put(txn.ltxid().get().into());
        bytes.put_text(txn.branch().as_str());
        bytes.put(txn.attempt().into());
        match opening.peer {
            Some(IpAddr::V4(peer)) => {
                bytes.push(4);
                bytes.extend_from_slice(&peer.octets());
            }
            Some(IpAddr::V6(peer)) => {
                bytes.push(16);
                bytes.extend_from_slice(&peer.octets());
            }
            None => bytes.push(0),
        }
        bytes.put_text(opening.method);
        bytes.put_text(opening.route);
        Arc::new_cyclic(|me| Self {
            gtxid: *txn.gtxid(),
            opened: now,
            shard: rings.index(txn.gtxid()),
            place: AtomicU8::new(0),
            counted: AtomicUsize::new(0),
            own: opening.method.is_empty(),
            writing: Mutex::new(Writing {
                bytes,
                ..Writing::default()
            }),
            limit,
            rings: Arc::downgrade(rings),
            me: me.clone(),
        })
    }

    /// The request was answered with this status, or is over.
    pub(super) fn end(&self, status: u16, now: Instant) {
        let took = micros(now.saturating_duration_since(self.opened));
        let (failed, size) = {
            let mut writing = self.writing();
            if writing.end.is_some() {
                return;
            }
            writing.end = Some(End { status, took });
            writing.failed |= status >= 500 || status == CLIENT_CLOSED_REQUEST;
            (writing.failed, self.size(&writing))
        };
        if let (Some(rings), Some(me)) = (self.rings.upgrade(), self.me.upgrade()) {
            rings.ended(&me, failed, took, size);
        }
    }

    pub(super) fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it takes of memory now.
    pub(super) fn size_now(&self) -> usize {
        self.size(&self.writing())
    }

    /// What it takes of memory.
    fn size(&self, writing: &Writing) -> usize {
        size_of::<Self>() + writing.bytes.capacity()
    }

    fn write(&self, now: Instant, write: impl FnOnce(&mut Vec<u8>, u64)) {
        let at = micros(now.saturating_duration_since(self.opened));
        let mut writing = self.writing();
        if writing.bytes.len() >= self.limit {
            writing.left_out = writing.left_out.saturating_add(1);
            return;
        }
        let before = writing.bytes.capacity();
        write(&mut writing.bytes, at);
        let (grown, over) = (writing.bytes.capacity() > before, writing.end.is_some());
        if over && grown {
            self.grown(writing);
        }
    }

    /// Work that outlives its request goes on writing: the rings count it again.
    #[cold]
    fn grown(&self, writing: MutexGuard<'_, Writing>) {
        let size = self.size(&writing);
        drop(writing);
        if let Some(rings) = self.rings.upgrade() {
            rings.grown(self, size);
        }
    }
}

/// Most requests need no more.
const FIRST: usize = 192;

/// A page that is being written.
#[derive(Debug, Clone)]
pub struct OpenPage(pub(super) Arc<Page>);

impl OpenPage {
    /// What the transaction carries, so that its calls are noted here.
    #[must_use]
    pub fn notes(&self) -> Arc<dyn Notes> {
        self.0.clone()
    }

    /// The request was answered with this status. Later calls change nothing.
    pub fn end(&self, status: u16, now: Instant) {
        self.0.end(status, now);
    }

    /// The client went away before there was an answer.
    pub fn abandoned(&self, now: Instant) {
        self.0.end(CLIENT_CLOSED_REQUEST, now);
    }
}

impl Notes for Page {
    #[inline]
    fn note(&self, event: &Event<'_>, now: Instant) {
        self.write(now, |page, at| note::put_event(page, at, 0, event));
    }

    #[inline]
    fn call_began(&self, call: u32, service: &str, method: &str, path: &str, now: Instant) {
        self.write(now, |page, at| {
            note::put_call(page, at, call, service, method, path);
        });
    }

    #[inline]
    fn call_note(&self, call: u32, event: &Event<'_>, now: Instant) {
        if let Event::CallEnded { outcome, .. } = event {
            let failed = match outcome {
                Outcome::Status(status) => *status >= 500,
                Outcome::Failed(_) => true,
                Outcome::Cancelled => false,
            };
            if failed {
                self.writing().failed = true;
            }
        }
        self.write(now, |page, at| note::put_event(page, at, call, event));
        if self.own && matches!(event, Event::CallEnded { .. }) {
            self.end(0, now);
        }
    }

    fn learnt_admin(&self, endpoint: &str, port: u16) {
        if let Some(rings) = self.rings.upgrade() {
            rings.ports.learn(endpoint, port);
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("gtxid", &self.gtxid)
            .field("place", &self.place.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
