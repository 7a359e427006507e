//! What the parts of one connection tell each other.
//!
//! hyper's reads, the requests' futures and the connection's own task meet in a few atomics. The connection counts as
//! open until the last of them is gone, so an upgraded connection or an HTTP/2 request that outlives its socket is
//! still counted.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, Uri};

use super::Cut;
use super::tracker::{Stage, Tracker};
use crate::clock::{self, Instant};

pub(super) struct Conn {
    pub(super) tracker: Arc<Tracker>,
    pub(super) peer: SocketAddr,
    /// Belongs to the reserve: one answer, and only probes.
    pub(super) reserved: bool,
    pub(super) born: Instant,
    /// The stage when it was accepted.
    pub(super) born_in: Stage,
    http2: AtomicBool,
    in_flight: AtomicU32,
    /// How many requests were begun.
    begun: AtomicU32,
    /// When the last request ended, in microseconds since `born`.
    idle_since: AtomicU64,
    /// Bytes came while no request was in flight: on HTTP/1 the beginning of a head.
    head_begun: AtomicBool,
    /// The last write could not be taken in whole.
    write_blocked: AtomicBool,
    /// Bytes were written since somebody asked last.
    wrote: AtomicBool,
    /// The peer sends no more.
    pub(super) eof: AtomicBool,
    /// The latest request had a body, which may lie unread.
    had_body: AtomicBool,
    upgraded: AtomicBool,
    tunnels: Mutex<Vec<(Method, Option<PathAndQuery>)>>,
}

impl Conn {
    pub(super) fn new(tracker: Arc<Tracker>, peer: SocketAddr, reserved: bool) -> Arc<Self> {
        Arc::new(Self {
            born_in: tracker.stage(),
            tracker,
            peer,
            reserved,
            born: clock::now(),
            http2: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            idle_since: AtomicU64::new(0),
            head_begun: AtomicBool::new(false),
            write_blocked: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
            eof: AtomicBool::new(false),
            had_body: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            tunnels: Mutex::default(),
        })
    }

    #[cfg(feature = "http2")]
    pub(super) fn set_http2(&self) {
        self.http2.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// A request begins.
    #[inline]
    pub(super) fn begin(self: &Arc<Self>, method: &Method, uri: &Uri, has_body: bool) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.head_begun.store(false, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.had_body.store(has_body, Ordering::Relaxed);
        InFlight {
            conn: Arc::clone(self),
            method: method.clone(),
            path: uri.path_and_query().cloned(),
        }
    }

    #[inline]
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0
    }

    /// How many requests were begun.
    #[inline]
    pub(super) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a request was ever begun.
    #[inline]
    pub(super) fn has_served(&self) -> bool {
        self.begun() > 0
    }

    pub(super) fn had_body(&self) -> bool {
        self.had_body.load(Ordering::Relaxed)
    }

    pub(super) fn idle_since(&self) -> Instant {
        self.born + Duration::from_micros(self.idle_since.load(Ordering::Acquire))
    }

    /// Bytes came from the peer.
    #[inline]
    pub(super) fn on_read(&self) {
        if !self.head_begun.load(Ordering::Relaxed) && !self.is_busy() {
            self.head_begun.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn has_half_a_head(&self) -> bool {
        self.head_begun.load(Ordering::Relaxed) && !self.is_busy() && !self.is_http2()
    }

    #[inline]
    pub(super) fn on_write(&self, blocked: bool) {
        if blocked != self.write_blocked.load(Ordering::Relaxed) {
            self.write_blocked.store(blocked, Ordering::Relaxed);
            if !blocked {
                // The answer goes on: the connection has not been idle since its request ended.
                self.stamp();
            }
        }
        if !blocked && !self.wrote.load(Ordering::Relaxed) {
            self.wrote.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.write_blocked.load(Ordering::Relaxed)
    }

    /// Whether bytes were written since this was asked last.
    pub(super) fn take_wrote(&self) -> bool {
        self.wrote.swap(false, Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    fn stamp(&self) {
        let since = clock::since(self.born).as_micros();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.idle_since.store(since, Ordering::Release);
    }

    fn note_cut(&self, method: &Method, path: Option<&PathAndQuery>, upgraded: bool) {
        self.tracker.note_cut(|| Cut {
            peer: self.peer,
            method: method.clone(),
            path: path.map(PathAndQuery::path).unwrap_or_default().to_owned(),
            upgraded,
        });
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if self.is_upgraded() && self.tracker.stage() == Stage::Cut {
            let tunnels = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
            for (method, path) in tunnels.iter() {
                self.note_cut(method, path.as_ref(), true);
            }
        }
        self.tracker.leave(self.peer.ip());
    }
}

/// A request from its head to the end of its answer. Dropped while the drain cuts, it names itself.
pub(super) struct InFlight {
    pub(super) conn: Arc<Conn>,
    method: Method,
    /// What it asked for; `None` for a CONNECT.
    path: Option<PathAndQuery>,
}

impl InFlight {
    pub(super) fn is_connect(&self) -> bool {
        self.method == Method::CONNECT
    }

    /// The connection, or on HTTP/2 the stream, becomes another protocol.
    pub(super) fn upgrade(&self) {
        let conn = &self.conn;
        if conn.is_http2() {
            // The stream's end cannot be seen from here, so it counts as in flight until its connection ends: a tunnel
            // in use must not be closed for being idle.
            conn.in_flight.fetch_add(1, Ordering::AcqRel);
        }
        let mut tunnels = conn.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        tunnels.push((self.method.clone(), self.path.clone()));
        conn.upgraded.store(true, Ordering::Release);
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        let conn = &self.conn;
        // Before the count: who sees no request in flight sees the time stamp as well.
        conn.stamp();
        conn.in_flight.fetch_sub(1, Ordering::AcqRel);
        if conn.tracker.stage() == Stage::Cut {
            conn.note_cut(&self.method, self.path.as_ref(), false);
        }
    }
}
