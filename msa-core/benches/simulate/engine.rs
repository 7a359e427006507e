//! A clock that jumps from event to event.
//!
//! The policies take the time as an argument and their chance from a seed, so the shipped code runs here as it is; only the
//! world around it is made up. Two events of one moment come in the order in which they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use msa_core::clock::{self, Instant};

/// What is planned, and the time of what came last.
#[derive(Debug)]
pub(crate) struct Engine<E> {
    began: Instant,
    now: Instant,
    planned: u64,
    queue: BinaryHeap<Planned<E>>,
}

#[derive(Debug)]
struct Planned<E> {
    at: Instant,
    number: u64,
    event: E,
}

impl<E> Engine<E> {
    pub(crate) fn new() -> Self {
        let began = clock::now();
        Self {
            began,
            now: began,
            planned: 0,
            queue: BinaryHeap::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.now.duration_since(self.began).as_secs_f64()
    }

    /// The moment so many seconds after the beginning.
    pub(crate) fn at(&self, seconds: f64) -> Instant {
        self.began + Duration::from_secs_f64(seconds)
    }

    pub(crate) fn plan(&mut self, at: Instant, event: E) {
        self.planned += 1;
        self.queue.push(Planned {
            at: at.max(self.now),
            number: self.planned,
            event,
        });
    }

    pub(crate) fn plan_in(&mut self, wait: Duration, event: E) {
        self.plan(self.now + wait, event);
    }

    /// Goes to the next event, unless that is after `end`.
    pub(crate) fn next(&mut self, end: Instant) -> Option<E> {
        if self.queue.peek()?.at > end {
            return None;
        }
        let next = self.queue.pop()?;
        self.now = next.at;
        Some(next.event)
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    /// The soonest is the greatest, since that is what a heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
