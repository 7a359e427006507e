//! A server whose processor is shared by the requests that it holds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use msa_core::clock::Instant;

/// `capacity` cores work on the requests in flight, one core at most on each: with more requests than cores each goes on at
/// its share. That is what makes a server slow when it is given too much, and what a balancer has to feel.
#[derive(Debug)]
pub(crate) struct Server {
    capacity: f64,
    /// Work that a request present from the beginning would have got, in core-nanoseconds.
    served: f64,
    since: Instant,
    /// By the value of `served` at which they are done.
    jobs: BinaryHeap<Reverse<(u64, usize)>>,
    version: u64,
}

impl Server {
    pub(crate) fn new(capacity: f64, now: Instant) -> Self {
        Self {
            capacity,
            served: 0.0,
            since: now,
            jobs: BinaryHeap::new(),
            version: 0,
        }
    }

    /// Events planned for an earlier version are void.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn set_capacity(&mut self, capacity: f64, now: Instant) {
        self.go_on(now);
        self.capacity = capacity;
    }

    pub(crate) fn accept(&mut self, job: usize, work: Duration, now: Instant) {
        self.go_on(now);
        let done = self.served + work.as_nanos() as f64;
        self.jobs.push(Reverse((done as u64, job)));
    }

    /// When the next request is done, if nothing else happens before.
    pub(crate) fn next_done(&self, now: Instant) -> Option<Instant> {
        let Reverse((done, _)) = self.jobs.peek()?;
        let left = (*done as f64 - self.served).max(0.0);
        Some(now + Duration::from_nanos((left / self.rate()).ceil() as u64))
    }

    /// The next request that is done by now.
    pub(crate) fn take_done(&mut self, now: Instant) -> Option<usize> {
        self.go_on(now);
        let Reverse((done, job)) = *self.jobs.peek()?;
        // Rounding must not plan the same moment for ever.
        (done as f64 <= self.served + 1.0).then(|| {
            self.jobs.pop();
            job
        })
    }

    /// The caller went away, and the work for it ends.
    pub(crate) fn cancel(&mut self, job: usize, now: Instant) {
        self.go_on(now);
        self.jobs.retain(|Reverse((_, other))| *other != job);
    }

    fn rate(&self) -> f64 {
        (self.capacity / (self.jobs.len().max(1) as f64)).min(1.0)
    }

    fn go_on(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_nanos() as f64;
        self.served += passed * self.rate();
        self.since = now;
        self.version += 1;
    }
}
