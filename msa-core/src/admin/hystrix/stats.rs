//! What the Hystrix Dashboard shows of a service: what came of its calls within ten seconds, and how long they took.
//!
//! Counted only while somebody watches, so that who does not use the dashboard does not pay for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::event::{Event, Observer, Outcome};

/// Hystrix's window, and its buckets.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
const BUCKETS: usize = 10;

/// Latencies are kept of so many of the latest calls.
const SAMPLES: usize = 512;

/// More services are not counted: hosts may come from outside.
const SERVICES: usize = 1024;

/// So many may watch at once.
const WATCHERS: usize = 5;

/// What came of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) success: u64,
    pub(super) failure: u64,
    pub(super) timeout: u64,
    pub(super) short_circuited: u64,
    pub(super) rejected: u64,
    /// Answered with 4xx: neither success nor error.
    pub(super) bad_request: u64,
    pub(super) fallback: u64,
    pub(super) collapsed: u64,
}

impl Counts {
    pub(super) fn errors(&self) -> u64 {
        self.failure + self.timeout + self.short_circuited + self.rejected
    }

    pub(super) fn requests(&self) -> u64 {
        self.success + self.errors()
    }

    fn add(&mut self, other: &Self) {
        self.success += other.success;
        self.failure += other.failure;
        self.timeout += other.timeout;
        self.short_circuited += other.short_circuited;
        self.rejected += other.rejected;
        self.bad_request += other.bad_request;
        self.fallback += other.fallback;
        self.collapsed += other.collapsed;
    }
}

/// What the window has of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rolled {
    pub(super) counts: Counts,
    /// In milliseconds, sorted: of attempts, and of whole calls.
    pub(super) execute: Vec<u32>,
    pub(super) total: Vec<u32>,
}

#[derive(Debug, Default)]
struct Rolling {
    buckets: [(u64, Counts); BUCKETS],
    execute: Samples,
    total: Samples,
}

#[derive(Debug, Default)]
struct Samples {
    /// The second, and the milliseconds.
    kept: Vec<(u64, u32)>,
    next: usize,
}

/// Counts for the dashboard; one of the client's observers.
pub(crate) struct HystrixStats {
    watchers: AtomicUsize,
    services: Mutex<BTreeMap<Box<str>, Rolling>>,
    born: Instant,
}

/// Somebody who watches. Dropped, he is gone.
#[derive(Debug)]
pub(super) struct Watching(Arc<HystrixStats>);

impl HystrixStats {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            watchers: AtomicUsize::new(0),
            services: Mutex::default(),
            born: now,
        }
    }

    /// `None` when so many watch that there is no place for one more.
    pub(super) fn watch(self: &Arc<Self>) -> Option<Watching> {
        let more = |watchers: usize| (watchers < WATCHERS).then_some(watchers + 1);
        self.watchers
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .ok()
            .map(|_| Watching(self.clone()))
    }

    /// The window of a service at this time.
    pub(super) fn rolled(&self, service: &str, now: Instant) -> Rolled {
        let second = self.second(now);
        let services = self.services();
        services
            .get(service)
            .map_or_else(Rolled::default, |rolling| rolling.read(second))
    }

    fn note(&self, service: &str, now: Instant, note: impl FnOnce(&mut Rolling, u64)) {
        let second = self.second(now);
        let mut services = self.services();
        if let Some(rolling) = services.get_mut(service) {
            note(rolling, second);
        } else if services.len() < SERVICES {
            note(services.entry(service.into()).or_default(), second);
        }
    }

    /// From 1: 0 is a bucket that was never used.
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.born).as_secs() + 1
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Rolling>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rolling {
    fn counts(&mut self, second: u64) -> Option<&mut Counts> {
        let index = usize::try_from(second).ok()? % BUCKETS;
        let (at, counts) = self.buckets.get_mut(index)?;
        if *at != second {
            *at = second;
            *counts = Counts::default();
        }
        Some(counts)
    }

    fn read(&self, second: u64) -> Rolled {
        let mut counts = Counts::default();
        for (at, bucket) in &self.buckets {
            if is_fresh(*at, second) {
                counts.add(bucket);
            }
        }
        Rolled {
            counts,
            execute: self.execute.read(second),
            total: self.total.read(second),
        }
    }
}

impl Samples {
    fn put(&mut self, second: u64, time: Duration) {
        let sample = (second, time.as_millis().try_into().unwrap_or(u32::MAX));
        match self.kept.get_mut(self.next) {
            Some(place) => *place = sample,
            None => self.kept.push(sample),
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    fn read(&self, second: u64) -> Vec<u32> {
        let fresh = self.kept.iter().filter(|(at, _)| is_fresh(*at, second));
        let mut fresh: Vec<u32> = fresh.map(|(_, ms)| *ms).collect();
        fresh.sort_unstable();
        fresh
    }
}

fn is_fresh(at: u64, second: u64) -> bool {
    at != 0 && second.saturating_sub(at) < WINDOW.as_secs()
}

impl Observer for HystrixStats {
    #[inline]
    fn on_event(&self, event: &Event<'_>) {
        if self.watchers.load(Ordering::Relaxed) > 0 {
            self.count(event, clock::now());
        }
    }

    #[inline]
    fn on_event_at(&self, event: &Event<'_>, now: Instant) {
        if self.watchers.load(Ordering::Relaxed) > 0 {
            self.count(event, now);
        }
    }
}

impl HystrixStats {
    #[cold]
    fn count(&self, event: &Event<'_>, now: Instant) {
        match *event {
            Event::AttemptEnded {
                service, elapsed, ..
            } => self.note(service, now, |rolling, second| {
                rolling.execute.put(second, elapsed);
            }),
            Event::CallEnded {
                service,
                outcome,
                elapsed,
                ..
            } => self.note(service, now, |rolling, second| {
                rolling.total.put(second, elapsed);
                if let Some(counts) = rolling.counts(second) {
                    *of(outcome, counts) += 1;
                }
            }),
            Event::FellBack { service, .. } => self.note(service, now, |rolling, second| {
                if let Some(counts) = rolling.counts(second) {
                    counts.fallback += 1;
                }
            }),
            Event::Coalesced { service } => self.note(service, now, |rolling, second| {
                if let Some(counts) = rolling.counts(second) {
                    counts.collapsed += 1;
                }
            }),
            _ => {}
        }
    }
}

/// Which of Hystrix's counts an outcome is.
fn of<'c>(outcome: Outcome<'_>, counts: &'c mut Counts) -> &'c mut u64 {
    match outcome {
        Outcome::Status(500..) => &mut counts.failure,
        Outcome::Status(400..) | Outcome::Cancelled => &mut counts.bad_request,
        Outcome::Status(_) => &mut counts.success,
        Outcome::Failed("attempt_timeout" | "deadline_exceeded") => &mut counts.timeout,
        Outcome::Failed("circuit_open") => &mut counts.short_circuited,
        Outcome::Failed("bulkhead_full" | "rate_limited" | "throttled") => &mut counts.rejected,
        Outcome::Failed(_) => &mut counts.failure,
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.0.watchers.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The next one begins with an empty window, not with one that has holes.
            self.0.services().clear();
        }
    }
}

impl fmt::Debug for HystrixStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HystrixStats")
            .field("watchers", &self.watchers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome<'static>, ms: u64) -> Event<'static> {
        Event::CallEnded {
            service: "stock",
            attempts: 1,
            outcome,
            elapsed: Duration::from_millis(ms),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_count_by_what_came_of_them_for_ten_seconds() {
        let stats = Arc::new(HystrixStats::new(clock::now()));
        stats.on_event(&ended(Outcome::Status(200), 1));
        let _watching = stats.watch().unwrap();
        assert_eq!(
            stats.rolled("stock", clock::now()),
            Rolled::default(),
            "nobody watched"
        );
        for outcome in [
            Outcome::Status(200),
            Outcome::Status(404),
            Outcome::Status(503),
            Outcome::Failed("connect"),
            Outcome::Failed("attempt_timeout"),
            Outcome::Failed("circuit_open"),
            Outcome::Failed("bulkhead_full"),
        ] {
            stats.on_event(&ended(outcome, 7));
        }
        let rolled = stats.rolled("stock", clock::now());
        let expected = Counts {
            success: 1,
            failure: 2,
            timeout: 1,
            short_circuited: 1,
            rejected: 1,
            bad_request: 1,
            ..Counts::default()
        };
        assert_eq!((rolled.counts, rolled.total), (expected, vec![7; 7]));
        assert_eq!((expected.requests(), expected.errors()), (6, 5));
        tokio::time::advance(Duration::from_secs(9)).await;
        stats.on_event(&ended(Outcome::Status(200), 1));
        assert_eq!(stats.rolled("stock", clock::now()).counts.success, 2);
        tokio::time::advance(Duration::from_secs(1)).await;
        let rolled = stats.rolled("stock", clock::now());
        assert_eq!((rolled.counts.requests(), rolled.total.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn five_may_watch_and_the_last_to_go_leaves_nothing() {
        let stats = Arc::new(HystrixStats::new(clock::now()));
        let watching: Vec<_> = (0..5).filter_map(|_| stats.watch()).collect();
        assert_eq!(watching.len(), 5);
        assert!(stats.watch().is_none());
        stats.on_event(&ended(Outcome::Status(200), 1));
        drop(watching);
        let _one = stats.watch().unwrap();
        assert_eq!(stats.rolled("stock", clock::now()), Rolled::default());
    }
}
