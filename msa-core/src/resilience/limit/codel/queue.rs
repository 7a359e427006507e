//! Those that wait for a place, by criticality.

use std::collections::VecDeque;
use std::time::Duration;

use super::{CoDel, QueueConfig};
use crate::clock::Instant;
use crate::resilience::limit::Reason;
use crate::resilience::limit::shares::CLASSES;
use crate::txn::Criticality;

/// A bounded queue with one lane for each criticality. It is told the time, and wakes nobody: `W` stands for who waits.
#[derive(Debug)]
pub struct Queue<W> {
    config: QueueConfig,
    law: CoDel,
    /// In the order of [`CLASSES`]; each lane in the order of arrival.
    lanes: [VecDeque<Entry<W>>; 4],
    len: usize,
    next_ticket: u64,
}

#[derive(Debug)]
struct Entry<W> {
    ticket: u64,
    since: Instant,
    waiter: W,
}

/// What became of somebody who wanted to wait.
#[derive(Debug)]
#[must_use]
pub enum Push<W> {
    /// In the queue.
    Queued {
        /// To [`remove`](Queue::remove) it by.
        ticket: u64,
        /// Who had to go instead, since the queue was full.
        evicted: Option<W>,
    },
    /// The queue is full of what matters at least as much.
    Full(W),
}

impl<W> Queue<W> {
    /// An empty queue.
    #[must_use]
    pub fn new(config: QueueConfig) -> Self {
        Self {
            law: CoDel::new(config.target, config.interval),
            lanes: CLASSES.map(|_| VecDeque::new()),
            len: 0,
            next_ticket: 0,
            config,
        }
    }

    /// Takes over other settings; who waits stays, even above a smaller bound.
    pub fn configure(&mut self, config: QueueConfig) {
        if (config.target, config.interval) != (self.config.target, self.config.interval) {
            self.law = CoDel::new(config.target, config.interval);
        }
        self.config = config;
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> &QueueConfig {
        &self.config
    }

    /// How many wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the newest go first now.
    #[must_use]
    pub const fn is_last_in_first_out(&self) -> bool {
        self.config.adaptive_lifo && self.law.is_standing()
    }

    /// Lets somebody wait. A full queue turns away one of the lowest class: the newcomer, or one who waits and matters
    /// less. While the newest go first, the oldest of the newcomer's own class has to go instead of it.
    pub fn push(&mut self, now: Instant, class: Criticality, waiter: W) -> Push<W> {
        let mut evicted = None;
        if self.len >= self.config.length {
            let lifo = self.is_last_in_first_out();
            let lowest = self.lowest().map_or(class, |lowest| lowest.min(class));
            let yields = lowest < class || (lifo && !self.lane(class).is_empty());
            if self.config.length == 0 || !yields {
                return Push::Full(waiter);
            }
            let lane = self.lane(lowest);
            let gone = if lifo {
                lane.pop_front()
            } else {
                lane.pop_back()
            };
            self.len = self.len.saturating_sub(usize::from(gone.is_some()));
            evicted = gone.map(|entry| entry.waiter);
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.lane(class).push_back(Entry {
            ticket,
            since: now,
            waiter,
        });
        self.len += 1;
        Push::Queued { ticket, evicted }
    }

    /// Takes out those that must not wait longer: who has waited for `max_wait`, and whom the control law drops, the oldest
    /// of the lowest class first. Call it before one leaves the queue.
    pub fn shed(&mut self, now: Instant, out: &mut Vec<(W, Reason)>) {
        let max_wait = self.config.max_wait;
        for lane in &mut self.lanes {
            while lane
                .front()
                .is_some_and(|entry| waited(entry, now) >= max_wait)
            {
                if let Some(entry) = lane.pop_front() {
                    self.len -= 1;
                    out.push((entry.waiter, Reason::QueueTime));
                }
            }
        }
        while self.law.should_drop(self.longest_wait(now), now) {
            let Some(lowest) = self.lowest() else { break };
            if let Some(entry) = self.lane(lowest).pop_front() {
                self.len -= 1;
                out.push((entry.waiter, Reason::QueueTime));
            }
        }
    }

    /// The highest class that waits.
    #[must_use]
    pub fn highest(&self) -> Option<Criticality> {
        self.waiting_classes().next_back()
    }

    fn lowest(&self) -> Option<Criticality> {
        self.waiting_classes().next()
    }

    fn waiting_classes(&self) -> impl DoubleEndedIterator<Item = Criticality> {
        let lanes = CLASSES.into_iter().zip(&self.lanes);
        lanes
            .filter(|(_, lane)| !lane.is_empty())
            .map(|(class, _)| class)
    }

    /// The next of a class: the one that came first, or last while the queue stands and `adaptive_lifo` is on.
    pub fn pop(&mut self, class: Criticality) -> Option<W> {
        let lifo = self.is_last_in_first_out();
        let lane = self.lane(class);
        let entry = if lifo {
            lane.pop_back()
        } else {
            lane.pop_front()
        }?;
        self.len -= 1;
        Some(entry.waiter)
    }

    /// Takes out one that waits no longer; `None` when it left before.
    pub fn remove(&mut self, class: Criticality, ticket: u64) -> Option<W> {
        let lane = self.lane(class);
        let place = lane
            .binary_search_by_key(&ticket, |entry| entry.ticket)
            .ok()?;
        let entry = lane.remove(place)?;
        self.len -= 1;
        Some(entry.waiter)
    }

    fn longest_wait(&self, now: Instant) -> Option<Duration> {
        let oldest = self.lanes.iter().filter_map(VecDeque::front);
        oldest.map(|entry| waited(entry, now)).max()
    }

    fn lane(&mut self, class: Criticality) -> &mut VecDeque<Entry<W>> {
        let [background, sheddable, default, critical] = &mut self.lanes;
        match class {
            Criticality::Background => background,
            Criticality::Sheddable => sheddable,
            Criticality::Default => default,
            Criticality::Critical => critical,
        }
    }
}

fn waited<W>(entry: &Entry<W>, now: Instant) -> Duration {
    now.saturating_duration_since(entry.since)
}
