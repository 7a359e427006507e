//! The context of one transaction at one service.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::MatchedPath;
use http::HeaderValue;

use super::{
    Baggage, Branch, Criticality, Gtxid, Incoming, Ltxid, Minter, SpanContext, TraceState,
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

    /// The same transaction for work that outlives the request: without its deadline, with the same counters.
    ///
    /// A streaming body is such work: who waits for it got the response's headers in time.
    #[must_use]
    pub fn without_deadline(&self) -> Self {
        match self.0.deadline {
            None => self.clone(),
            Some(_) => self.with(|inner| inner.deadline = None),
        }
    }

    /// The same transaction for a part of its work that has until `at` and no longer, with the same counters. A deadline that is
    /// sooner stays.
    #[must_use]
    pub fn with_deadline(&self, at: Instant) -> Self {
        match self.0.deadline {
            Some(deadline) if deadline <= at => self.clone(),
            _ => self.with(|inner| inner.deadline = Some(at)),
        }
    }

    /// The same transaction for a part of its work that matters more or less, with the same counters: the calls that are made
    /// there say so.
    #[must_use]
    pub fn with_criticality(&self, criticality: Criticality) -> Self {
        if self.0.criticality == criticality {
            return self.clone();
        }
        self.with(|inner| inner.criticality = criticality)
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

    /// The same transaction for a part of its work that tells other services this baggage in place of what came, with the same counters.
    ///
    /// It goes to the services that `telemetry.baggage` names, and to no other.
    #[must_use]
    pub fn with_baggage(&self, baggage: Baggage) -> Self {
        self.with(|inner| inner.baggage = Some(baggage).filter(|baggage| !baggage.is_empty()))
    }

    /// The same transaction with the same counters, and one thing changed.
    fn with(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner {
            gtxid: self.0.gtxid,
            value: self.0.value.clone(),
            ltxid: self.0.ltxid,
            branch: self.0.branch,
            attempt: self.0.attempt,
            received: self.0.received,
            deadline: self.0.deadline,
            hurried: self.0.hurried,
            criticality: self.0.criticality,
            route: self.0.route.clone(),
            handler: OnceLock::new(),
            retries: AtomicU32::new(0),
            exhausted: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            counted_by: Some(self.counters().clone()),
            notes: self.0.notes.clone(),
            span: self.0.span,
            parent: self.0.parent,
            sampled: AtomicU8::new(UNDECIDED),
            state: self.0.state.clone(),
            baggage: self.0.baggage.clone(),
        };
        change(&mut inner);
        inner.hurried &= inner.deadline == self.0.deadline;
        Self(Arc::new(inner))
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
        Call {
            branch: self.0.branch.child(k),
            number: k,
            span: self.0.span.below(u64::from(k) << 32),
            txn: self.clone(),
        }
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

/// One outgoing logical call of a transaction; its attempts share it.
#[derive(Debug, Clone)]
pub struct Call {
    txn: Txn,
    branch: Branch,
    number: u32,
    span: SpanContext,
}

impl Call {
    /// The transaction that makes the call.
    #[must_use]
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    /// The global id.
    #[must_use]
    pub fn gtxid(&self) -> &Gtxid {
        self.txn.gtxid()
    }

    /// The hop at the called service: one more than here.
    #[must_use]
    pub fn ltxid(&self) -> Ltxid {
        self.txn.ltxid().next()
    }

    /// Which call of its service's part of the transaction this is, from 1: the last number of its branch.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The name of this call among all of the transaction.
    #[must_use]
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The span of the call, below its transaction's: parent of its attempts' spans.
    #[must_use]
    pub fn span(&self) -> SpanContext {
        self.span.sampled(self.txn.span().is_sampled())
    }

    /// The span of one attempt, from 1: what the called service is told as its parent.
    #[must_use]
    pub fn attempt_span(&self, attempt: u32) -> SpanContext {
        self.span().below(attempt.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_calls_have_branches_of_their_own_and_share_the_hop() {
        let txn = Txn::begin();
        let (a, b) = (txn.next_call(), txn.clone().next_call());
        assert_eq!((a.branch().as_str(), b.branch().as_str()), ("1.1", "1.2"));
        assert_eq!((a.ltxid().get(), b.ltxid().get()), (2, 2));
        assert_eq!(a.gtxid(), b.gtxid());
    }

    #[tokio::test(start_paused = true)]
    async fn without_its_deadline_it_is_the_same_transaction_with_the_same_counters() {
        let incoming = Incoming {
            timeout: Some(Duration::from_secs(1)),
            ..Incoming::default()
        };
        let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now());
        let stream = txn.without_deadline();
        assert_eq!((stream.deadline(), stream.gtxid()), (None, txn.gtxid()));
        assert_eq!(txn.next_call().branch().as_str(), "1.1");
        assert_eq!(
            stream.without_deadline().next_call().branch().as_str(),
            "1.2"
        );
        assert!(stream.try_spend_retry() && txn.try_spend_retry() && !stream.try_spend_retry());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_of_its_work_may_be_shorter_and_never_longer_and_shares_its_counters() {
        let incoming = Incoming {
            timeout: Some(Duration::from_secs(2)),
            ..Incoming::default()
        };
        let now = clock::now();
        let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, now);
        let part = txn.with_deadline(now + Duration::from_secs(1));
        assert_eq!(part.remaining(now), Some(Duration::from_secs(1)));
        let longer = txn.with_deadline(now + Duration::from_secs(3));
        assert_eq!(longer.remaining(now), Some(Duration::from_secs(2)));
        let part = part.with_criticality(Criticality::Sheddable);
        assert_eq!(part.criticality(), Criticality::Sheddable);
        assert_eq!(part.remaining(now), Some(Duration::from_secs(1)));
        assert_eq!(part.next_call().branch().as_str(), "1.1");
        assert_eq!(txn.next_call().branch().as_str(), "1.2");
    }

    #[test]
    fn clones_draw_retries_from_one_counter() {
        let txn = Txn::begin();
        assert!(txn.try_spend_retry() && txn.clone().try_spend_retry());
        assert!(!txn.try_spend_retry());
        assert_eq!(txn.retries_left(), 0);
        txn.clone().give_back_retry();
        assert_eq!(txn.retries_left(), 1);
    }

    #[test]
    fn what_one_call_learns_about_retries_holds_for_the_transaction() {
        let txn = Txn::begin();
        assert!(!txn.is_retry_forbidden());
        txn.clone().without_deadline().forbid_retry();
        assert!(txn.is_retry_forbidden());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sooner_of_both_timeouts_is_the_deadline() {
        let now = clock::now();
        let seconds = Duration::from_secs;
        for (sent, ours, expected) in [
            (None, None, None),
            (Some(3), None, Some(3)),
            (None, Some(5), Some(5)),
            (Some(3), Some(5), Some(3)),
            (Some(9), Some(5), Some(5)),
        ] {
            let incoming = Incoming {
                timeout: sent.map(seconds),
                ..Incoming::default()
            };
            let txn = Txn::from_incoming(
                &incoming,
                || Minter::seeded(1).mint(0),
                ours.map(seconds),
                now,
            );
            assert_eq!(
                txn.remaining(now),
                expected.map(seconds),
                "{sent:?} {ours:?}"
            );
        }
    }

    #[test]
    fn without_a_gtxid_the_transaction_begins_here() {
        let incoming = Incoming {
            ltxid: Ltxid::new(7),
            branch: "1.2".parse().ok(),
            ..Incoming::default()
        };
        let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now());
        assert_eq!((txn.ltxid(), txn.branch().as_str()), (Ltxid::FIRST, "1"));
    }
}
