//! The context of one transaction at one service.

mod part;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::MatchedPath;
use http::HeaderValue;

use super::{
    Baggage, Branch, Call, Criticality, Gtxid, Incoming, Ltxid, Minter, SpanContext, TraceState,
};
use crate::clock::{self, Instant};
use crate::event::Notes;

/// Retries that a whole transaction may spend below the edge, when nobody said otherwise.
pub const DEFAULT_RETRIES: u32 = 2;

/// A transaction as this service sees it. Cheap to clone; clones share the counters of calls and retries.
#[derive(Clone)]
pub struct Txn(Arc<Inner>);

struct Inner {
    gtxid: Gtxid,
    /// Made by the first call, for all of them.
    value: OnceLock<HeaderValue>,
    ltxid: Ltxid,
    branch: Branch,
    attempt: u32,
    /// When the request came that brought it here.
    received: Option<Instant>,
    deadline: Option<Instant>,
    /// Whether the deadline is the one that the caller sent.
    hurried: bool,
    criticality: Criticality,
    /// The route of the request that brought it here.
    route: Option<MatchedPath>,
    /// The handler that serves it.
    handler: OnceLock<&'static str>,
    retries: AtomicU32,
    /// Nobody above should try again.
    exhausted: AtomicBool,
    calls: AtomicU32,
    /// Whose counters are used instead of these.
    counted_by: Option<Txn>,
    /// The page of the journal that this request has.
    notes: Option<Arc<dyn Notes>>,
    /// The span of this service's work on it; whether it is sampled says `sampled`.
    span: SpanContext,
    /// The span at the caller.
    parent: Option<u64>,
    /// Whether the trace is sampled: [`UNDECIDED`] until somebody decides.
    sampled: AtomicU8,
    state: Option<TraceState>,
    baggage: Option<Baggage>,
}

/// Nobody has said yet whether the trace is sampled.
const UNDECIDED: u8 = 2;

impl Txn {
    /// Begins a transaction here, as the first service: a new GTXID, LTXID 1, branch `1`, no deadline.
    #[must_use]
    pub fn begin() -> Self {
        Self::begin_at(clock::now())
    }

    /// The same at a moment that was read before.
    pub(crate) fn begin_at(now: Instant) -> Self {
        let minted = Minter::default().mint(clock::unix_ms_at(now));
        Self::build(minted, true, &Incoming::default(), None, None)
    }

    /// Begins a transaction with this GTXID.
    #[must_use]
    pub fn root(gtxid: Gtxid) -> Self {
        Self::build(gtxid, false, &Incoming::default(), None, None)
    }

    /// Goes on with what a request brought; `mint` gives a GTXID when it brought none.
    ///
    /// Without a GTXID the transaction begins here, and the hop, branch and attempt that came along are not used.
    /// The deadline is `now` plus the timeout that the caller sent, or plus `default_timeout` when that is sooner.
    pub fn from_incoming(
        incoming: &Incoming,
        mint: impl FnOnce() -> Gtxid,
        default_timeout: Option<Duration>,
        now: Instant,
    ) -> Self {
        let timeout = match (incoming.timeout, default_timeout) {
            (Some(sent), Some(ours)) => Some(sent.min(ours)),
            (sent, ours) => sent.or(ours),
        };
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        let hurried = incoming.timeout.is_some() && incoming.timeout == timeout;
        let deadline = deadline.map(|deadline| (deadline, hurried));
        match incoming.gtxid {
            Some(gtxid) => Self::build(gtxid, false, incoming, Some(now), deadline),
            None => {
                let edge = Incoming {
                    retries: incoming.retries,
                    criticality: incoming.criticality,
                    sampled: incoming.sampled,
                    baggage: incoming.baggage.clone(),
                    ..Incoming::default()
                };
                Self::build(mint(), true, &edge, Some(now), deadline)
            }
        }
    }

    /// `minted`: the id was drawn here, so that as a trace id it is random.
    fn build(
        gtxid: Gtxid,
        minted: bool,
        incoming: &Incoming,
        received: Option<Instant>,
        deadline: Option<(Instant, bool)>,
    ) -> Self {
        let (deadline, hurried) = deadline.unzip();
        let own = Minter::default().span_id();
        let span = match incoming.trace {
            Some(caller) => caller.sibling(own),
            None => SpanContext::begun_by(&gtxid, own).random(minted),
        };
        let sampled = incoming.sampled.map_or(UNDECIDED, u8::from);
        Self(Arc::new(Inner {
            gtxid,
            value: OnceLock::new(),
            ltxid: incoming.ltxid.unwrap_or(Ltxid::FIRST),
            branch: incoming.branch.unwrap_or_else(Branch::root),
            attempt: incoming.attempt.unwrap_or(1),
            received,
            deadline,
            hurried: hurried.unwrap_or(false),
            criticality: incoming.criticality.unwrap_or_default(),
            route: None,
            handler: OnceLock::new(),
            retries: AtomicU32::new(incoming.retries.unwrap_or(DEFAULT_RETRIES)),
            exhausted: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            counted_by: None,
            notes: None,
            span,
            parent: incoming.trace.map(|caller| caller.span_id()),
            sampled: AtomicU8::new(sampled),
            // The list belongs to the trace that it came with.
            state: incoming.state.clone().filter(|_| incoming.trace.is_some()),
            baggage: incoming
                .baggage
                .clone()
                .filter(|baggage| !baggage.is_empty()),
        }))
    }

    /// The same transaction, whose calls and decisions are noted there.
    #[must_use]
    pub fn noted_in(mut self, notes: Arc<dyn Notes>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.notes = Some(notes);
            return self;
        }
        self.with(|inner| inner.notes = Some(notes))
    }

    /// Where its calls and decisions are noted, if they are.
    #[must_use]
    pub fn notes(&self) -> Option<&Arc<dyn Notes>> {
        self.0.notes.as_ref()
    }

    /// Says which route it came by. For one that nobody shares yet: to another one nothing is said.
    pub(crate) fn came_by(&mut self, route: Option<&MatchedPath>) {
        if let (Some(route), Some(inner)) = (route, Arc::get_mut(&mut self.0)) {
            inner.route = Some(route.clone());
        }
    }

    /// The route of the request that is being served, as it was matched: `/users/{id}`. `None` outside of a request, and for one that
    /// no route matched.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.0.route.as_ref().map(MatchedPath::as_str)
    }

    /// Says which handler serves the request: the first that says so.
    pub(crate) fn handled_by(&self, name: &'static str) {
        // One that is called by another is a part of that one's work.
        let _first = self.counters().0.handler.set(name);
    }

    /// The name of the handler that serves the request, as [`#[handler]`](crate::server::handler) said it. `None` before it runs, and for
    /// one without that attribute.
    #[must_use]
    pub fn handler(&self) -> Option<&'static str> {
        self.counters().0.handler.get().copied()
    }

    /// Its span has an id from this minter, so that a seed repeats it. For one that nobody shares yet.
    pub(crate) fn spanned_by(&mut self, minter: &Minter) {
        if let (true, Some(inner)) = (minter.is_seeded(), Arc::get_mut(&mut self.0)) {
            inner.span = inner.span.sibling(minter.span_id());
        }
    }

    /// The span of this service's work on the transaction: its trace id is that of the caller's `traceparent`, or follows from the GTXID.
    ///
    /// It is there without any tracing backend too; log lines carry it, and calls name it as their parent. As long as nobody has decided
    /// whether the trace is sampled, it says no.
    #[must_use]
    pub fn span(&self) -> SpanContext {
        let sampled = self.counters().0.sampled.load(Ordering::Relaxed);
        self.0.span.sampled(sampled == u8::from(true))
    }

    /// The id of the caller's span; `None` when the trace begins here.
    #[must_use]
    pub fn parent_span(&self) -> Option<u64> {
        self.0.parent
    }

    /// Whether the trace is sampled, which is decided here when nobody has yet. Once decided it stays.
    pub(crate) fn is_sampled(&self, decide: impl FnOnce(&SpanContext) -> bool) -> bool {
        let Inner { sampled, span, .. } = &*self.counters().0;
        let known = match sampled.load(Ordering::Relaxed) {
            UNDECIDED => {
                let ours = u8::from(decide(span));
                match sampled.compare_exchange(
                    UNDECIDED,
                    ours,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => ours,
                    Err(theirs) => theirs,
                }
            }
            known => known,
        };
        known == u8::from(true)
    }

    /// Says whether the trace is sampled, over whatever the caller said. For one that nobody shares yet.
    pub(crate) fn set_sampled(&self, yes: bool) {
        let sampled = &self.counters().0.sampled;
        sampled.store(yes.into(), Ordering::Relaxed);
    }

    /// What tracing systems tell each other, which is passed on as it came.
    #[must_use]
    pub fn trace_state(&self) -> Option<&TraceState> {
        self.0.state.as_ref()
    }

    /// What the application tells all services of the transaction.
    #[must_use]
    pub fn baggage(&self) -> Option<&Baggage> {
        self.0.baggage.as_ref()
    }

    fn counters(&self) -> &Self {
        self.0.counted_by.as_ref().unwrap_or(self)
    }

    /// The global id.
    #[must_use]
    pub fn gtxid(&self) -> &Gtxid {
        &self.0.gtxid
    }

    /// The global id as a header's value.
    #[must_use]
    pub fn gtxid_value(&self) -> &HeaderValue {
        self.0.value.get_or_init(|| self.0.gtxid.header_value())
    }

    /// The hop: 1 at the first service.
    #[must_use]
    pub fn ltxid(&self) -> Ltxid {
        self.0.ltxid
    }

    /// The call that led here.
    #[must_use]
    pub fn branch(&self) -> &Branch {
        &self.0.branch
    }

    /// Which try of that call this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// When the request came that brought it here; `None` when it began here without one.
    pub(crate) fn received(&self) -> Option<Instant> {
        self.0.received
    }

    /// The time that the request had when it came, and whether it was its caller who set it.
    pub(crate) fn allowance(&self) -> Option<(Duration, bool)> {
        let deadline = self.0.deadline?;
        let allowed = deadline.saturating_duration_since(self.0.received?);
        Some((allowed, self.0.hurried))
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The time left until the deadline: zero once it has passed, `None` without one.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.0
            .deadline
            .map(|deadline| deadline.saturating_duration_since(now))
    }

    /// How much the request matters.
    #[must_use]
    pub fn criticality(&self) -> Criticality {
        self.0.criticality
    }

    /// Retries that may still be spent at this service and below it.
    #[must_use]
    pub fn retries_left(&self) -> u32 {
        self.counters().0.retries.load(Ordering::Relaxed)
    }

    /// Takes one of the transaction's retries; `false` when none is left. Parallel calls draw from the same counter.
    #[must_use]
    pub fn try_spend_retry(&self) -> bool {
        self.counters()
            .0
            .retries
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }

    /// Gives one of the transaction's retries back that was taken and not made.
    pub fn give_back_retry(&self) {
        self.counters().0.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// What there was to be spent on retries here and below is spent: an error that this service answers says
    /// `x-txn-retry: never`, so that nobody above spends it again.
    pub fn forbid_retry(&self) {
        self.counters().0.exhausted.store(true, Ordering::Relaxed);
    }

    /// Whether [`forbid_retry`](Self::forbid_retry) was said.
    #[must_use]
    pub fn is_retry_forbidden(&self) -> bool {
        self.counters().0.exhausted.load(Ordering::Relaxed)
    }

    /// Names the next outgoing call: branch `B.k`, LTXID one higher.
    #[must_use]
    pub fn next_call(&self) -> Call {
        let k = self
            .counters()
            .0
            .calls
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1);
        Call::new(self, k, self.0.span.below(u64::from(k) << 32))
    }
}

impl fmt::Debug for Txn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Txn")
            .field("gtxid", &self.0.gtxid.as_str())
            .field("ltxid", &self.0.ltxid.get())
            .field("branch", &self.0.branch.as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
