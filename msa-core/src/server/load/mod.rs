//! What this server says of its load: requests in flight, and what a request that arrives now will take.
//!
//! The estimate is that of "Load is not what you should balance: Introducing Prequal" (Wydrowski et al., NSDI'24): when a
//! request ends, its latency is kept with the number of requests that were in flight when it arrived; the estimate is the median of
//! what was lately kept around the number in flight now. So it answers at once to load, which a plain average does only
//! after the slow requests have ended.
//!
//! # What is different from the paper
//! An overrun server ends only its quickest requests, and would look fast by them until the first callers give up. So requests that
//! are given up count as well, and the estimate is no less than what most requests of late have been waiting for.

mod unanswered;

use std::sync::Arc;
use std::time::Duration;

use self::unanswered::Unanswered;
use crate::balance::LoadReport;
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// How many latencies are kept for each range of requests in flight.
const KEPT: usize = 16;

/// Ranges of requests in flight: 1, 2, 3, 4, 5 to 6, 7 to 8, 9 to 12, 13 to 16 and so on, two for each doubling, to the end of 32 bits.
const RANGES: usize = 64;

/// A latency that is older tells nothing of the load now. Longer remembers more loads, and believes longer that a server is as fast as it
/// was: with 10 s, a server that turns slow while it is busy tells too little for several seconds.
const FRESH: Duration = Duration::from_secs(3);

/// Without a fresh one the last latency counts, which fades to 1/e in this time: a server that was slow, and gets no requests for it, must be
/// tried again. The balancers' own estimate fades as fast.
const FADE: Duration = Duration::from_secs(10);

/// The load of one server; shared by all of its requests. Never waits, and allocates nothing after it was made.
#[derive(Debug)]
pub struct ServerLoad {
    in_flight: AtomicU32,
    ranges: Box<[Range]>,
    /// What ended last, in whatever range.
    last: AtomicU64,
    unanswered: Unanswered,
    since: Instant,
}

#[derive(Debug)]
struct Range {
    next: AtomicUsize,
    /// The upper 32 bits: when it ended, in milliseconds of this server's life, from 1; the lower: the latency in microseconds. 0:
    /// none yet. One word, so that a reader never sees half of it.
    kept: [AtomicU64; KEPT],
}

impl ServerLoad {
    /// A server without requests, alive since `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            ranges: (0..RANGES).map(|_| Range::new()).collect(),
            last: AtomicU64::new(0),
            unanswered: Unanswered::new(),
            since: now,
        }
    }

    /// Counts in a request that arrived at `now`.
    pub fn enter(self: &Arc<Self>, now: Instant) -> LoadGuard {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.unanswered.arrive(self.step(now));
        LoadGuard {
            load: Arc::clone(self),
            arrived: now,
            range: range_of(before.saturating_add(1)),
        }
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The load at `now`, for a probe that is not counted itself. The latency is zero while none was measured.
    #[must_use]
    pub fn report(&self, now: Instant) -> LoadReport {
        self.report_for(self.in_flight(), now)
    }

    fn report_for(&self, in_flight: u32, now: Instant) -> LoadReport {
        // A request that arrives now is one more.
        let latency = self.estimate(range_of(in_flight.saturating_add(1)), self.tick(now));
        let latency = Duration::from_micros(latency.into());
        if self.in_flight() < unanswered::FEWEST {
            return LoadReport::new(in_flight, latency);
        }
        let at_least = self.unanswered.at_least(self.step(now));
        LoadReport::new(in_flight, latency.max(at_least))
    }

    fn estimate(&self, range: usize, now: u32) -> u32 {
        if let Some(median) = self.nearest(range, now) {
            return median;
        }
        let last = self.last.load(Ordering::Relaxed);
        let age = Duration::from_millis(age(last, now).into());
        let faded = (-age.as_secs_f64() / FADE.as_secs_f64()).exp();
        (f64::from(last as u32) * faded) as u32
    }

    fn keep(&self, range: usize, latency: u32, now: u32) {
        let measured = (u64::from(now) << 32) | u64::from(latency);
        self.last.store(measured, Ordering::Relaxed);
        if let Some(range) = self.ranges.get(range) {
            range.keep(measured);
        }
    }

    /// The median of the nearest range that has something fresh; the lower of two that are as near, since a range above was
    /// measured under more load than there is.
    fn nearest(&self, range: usize, now: u32) -> Option<u32> {
        let near = (0..RANGES).flat_map(|away| {
            let upper = Some(range + away).filter(|_| away > 0);
            [range.checked_sub(away), upper]
        });
        near.flatten()
            .find_map(|range| self.ranges.get(range)?.median(now))
    }

    fn step(&self, now: Instant) -> u64 {
        unanswered::step(now.saturating_duration_since(self.since))
    }

    fn tick(&self, now: Instant) -> u32 {
        // Wraps after 49 days; differences do not mind.
        (now.saturating_duration_since(self.since).as_millis() as u32).wrapping_add(1)
    }
}

impl Range {
    fn new() -> Self {
        Self {
            next: AtomicUsize::new(0),
            kept: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    fn keep(&self, measured: u64) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % KEPT;
        if let Some(kept) = self.kept.get(next) {
            kept.store(measured, Ordering::Relaxed);
        }
    }

    fn median(&self, now: u32) -> Option<u32> {
        if self.next.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut fresh = [0; KEPT];
        let mut count = 0;
        for kept in &self.kept {
            let measured = kept.load(Ordering::Relaxed);
            if measured != 0
                && u128::from(age(measured, now)) <= FRESH.as_millis()
                && let Some(slot) = fresh.get_mut(count)
            {
                *slot = measured as u32;
                count += 1;
            }
        }
        let fresh = fresh.get_mut(..count)?;
        fresh.sort_unstable();
        fresh.get(count.checked_sub(1)? / 2).copied()
    }
}

/// How long ago it was measured, in milliseconds. Another thread may have done so after `now` was read: that is no time at all.
fn age(measured: u64, now: u32) -> u32 {
    let age = now.wrapping_sub((measured >> 32) as u32);
    if age > u32::MAX / 2 { 0 } else { age }
}

fn range_of(in_flight: u32) -> usize {
    if in_flight <= 2 {
        return in_flight.saturating_sub(1) as usize;
    }
    // Two ranges from 2^k + 1 to 2^(k+1).
    let below = in_flight - 1;
    let k = below.ilog2();
    let upper_half = (below >> (k - 1)) & 1;
    (2 * k + upper_half) as usize
}

/// One request in flight. Its drop counts it out.
#[derive(Debug)]
#[must_use = "dropping the guard at once counts the request out"]
pub struct LoadGuard {
    load: Arc<ServerLoad>,
    arrived: Instant,
    range: usize,
}

impl LoadGuard {
    /// What to tell on this request's own response: the load without it.
    #[must_use]
    pub fn report(&self, now: Instant) -> LoadReport {
        self.load
            .report_for(self.load.in_flight().saturating_sub(1), now)
    }

    /// Ends the request at `now`, at the end of its body, and keeps its latency. A guard that is merely dropped keeps none.
    pub fn complete(self, now: Instant) {
        self.load
            .keep(self.range, self.passed(now), self.load.tick(now));
    }

    /// Ends the request at `now`, whose caller went away without its answer. It would have taken at least so long: that is kept when
    /// it is longer than was to be expected. Otherwise only the requests that are quick however loaded the server is would tell its
    /// latency, and one whose callers all give up would look the fastest.
    pub fn cancelled(self, now: Instant) {
        let (passed, tick) = (self.passed(now), self.load.tick(now));
        if passed > self.load.estimate(self.range, tick) {
            self.load.keep(self.range, passed, tick);
        }
    }

    /// In microseconds.
    fn passed(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.arrived).as_micros();
        u32::try_from(passed).unwrap_or(u32::MAX)
    }
}

impl Drop for LoadGuard {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.load.unanswered.leave(self.load.step(self.arrived));
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;
    use crate::clock;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn load() -> (Arc<ServerLoad>, Instant) {
        let now = clock::now();
        (Arc::new(ServerLoad::new(now)), now)
    }

    fn told(report: LoadReport) -> (u32, u128) {
        (report.in_flight, report.latency.as_millis())
    }

    #[test]
    fn ranges_are_whole_then_two_a_doubling_and_cover_all_of_32_bits() {
        let ranges: Vec<usize> = (1..=17).map(range_of).collect();
        assert_eq!(ranges, [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8]);
        assert_eq!(range_of(u32::MAX), RANGES - 1);
        assert_eq!(range_of(0), 0);
    }

    #[test]
    fn a_request_is_in_flight_until_its_guard_goes_and_its_own_response_leaves_it_out() {
        let (load, now) = load();
        assert_eq!(told(load.report(now)), (0, 0));
        let (a, b) = (load.enter(now), load.enter(now));
        assert_eq!(load.in_flight(), 2);
        assert_eq!(told(a.report(now)), (1, 0));
        drop(b);
        assert_eq!(told(a.report(now)), (0, 0));
        a.complete(now + ms(7));
        assert_eq!(told(load.report(now + ms(7))), (0, 7));
    }

    #[test]
    fn a_request_that_was_dropped_leaves_no_latency() {
        let (load, now) = load();
        drop(load.enter(now));
        assert_eq!(told(load.report(now + ms(50))), (0, 0));
    }

    #[test]
    fn a_request_that_was_given_up_took_at_least_so_long() {
        let (load, now) = load();
        load.enter(now).complete(now + ms(20));
        load.enter(now).cancelled(now + ms(10)); // it says nothing: 20 ms were to be expected
        assert_eq!(told(load.report(now + ms(20))), (0, 20));
        for _ in 0..3 {
            load.enter(now).cancelled(now + ms(500));
        }
        assert_eq!(told(load.report(now + ms(500))), (0, 500));
        assert_eq!(load.in_flight(), 0);
    }

    #[test]
    fn a_server_that_answers_only_its_quickest_requests_is_slow() {
        let (load, now) = load();
        let mut waiting = Vec::new();
        for n in 0..100 {
            let at = now + ms(10 * n);
            load.enter(at).complete(at);
            waiting.extend([load.enter(at), load.enter(at)]);
        }
        // Those of the first 50 ms have waited for 950 at least.
        assert_eq!(told(load.report(now + ms(1000))), (200, 950));
        waiting.clear();
        assert_eq!(told(load.report(now + ms(1000))), (0, 0));
    }

    #[test]
    fn the_estimate_is_the_median_at_the_load_of_now() {
        let (load, now) = load();
        // Alone: 10 ms, and one outlier.
        for took in [10, 10, 500, 10, 10] {
            load.enter(now).complete(now + ms(took));
        }
        // Among five: 90 ms.
        let mut guards: Vec<LoadGuard> = (0..6).map(|_| load.enter(now)).collect();
        for guard in guards.drain(4..) {
            guard.complete(now + ms(90));
        }
        let at = now + ms(500);
        assert_eq!(told(load.report(at)), (4, 90));
        guards.clear();
        assert_eq!(told(load.report(at)), (0, 10));
        // Nothing was measured at two in flight: one is nearer than five.
        let _one = load.enter(at);
        assert_eq!(told(load.report(at)), (1, 10));
    }

    #[test]
    fn old_latencies_give_way_to_fresh_ones_of_other_loads() {
        let (load, now) = load();
        load.enter(now).complete(now + ms(10));
        let later = now + FRESH + ms(11);
        let other = load.enter(later);
        load.enter(later).complete(later + ms(30));
        drop(other);
        assert_eq!(told(load.report(later + ms(30))), (0, 30));
    }

    #[test]
    fn without_a_fresh_latency_the_last_one_fades() {
        let (load, now) = load();
        load.enter(now).complete(now + ms(1000));
        assert_eq!(told(load.report(now + ms(4000))), (0, 1000));
        let after = |secs: u64| told(load.report(now + ms(1000 + secs * 1000))).1;
        assert_eq!([after(11), after(20), after(100)], [332, 135, 0]);
    }

    #[test]
    fn the_last_sixteen_of_a_range_count() {
        let (load, now) = load();
        for took in (0..KEPT).map(|_| 10).chain((0..KEPT).map(|_| 20)) {
            load.enter(now).complete(now + ms(took));
        }
        assert_eq!(told(load.report(now + ms(20))), (0, 20));
    }

    #[test]
    fn threads_together_leave_nothing_in_flight() {
        let (load, now) = load();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..500 {
                        let guard = load.enter(now);
                        if n % 2 == 0 {
                            guard.complete(now + ms(5));
                        }
                    }
                });
            }
        });
        assert_eq!(told(load.report(now + ms(5))), (0, 5));
    }
}
