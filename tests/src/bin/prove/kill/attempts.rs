//! Every attempt of a client, by time and endpoint.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use msa_core::clock::{self, Instant};
use msa_core::event::{Event, Observer};

/// What a client's policies told.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// In the order in which they were told, which is nearly that of their times.
    picked: Mutex<Vec<(Instant, String)>>,
    aside: Mutex<Vec<(Instant, String)>>,
    retries: AtomicU64,
}

impl Attempts {
    /// How many attempts there were at an endpoint from a time on, and when the last was.
    pub(super) fn at(&self, endpoint: &str, from: Instant) -> (usize, Option<Instant>) {
        let picked = lock(&self.picked);
        let from = picked.partition_point(|(at, _)| *at < from);
        let picked = picked.get(from..).unwrap_or_default().iter();
        let own = picked.filter(|(_, other)| other == endpoint);
        own.fold((0, None), |(count, _), (at, _)| (count + 1, Some(*at)))
    }

    /// How many attempts there were at all endpoints from a time on.
    pub(super) fn since(&self, from: Instant) -> usize {
        let picked = lock(&self.picked);
        picked.len() - picked.partition_point(|(at, _)| *at < from)
    }

    /// When an endpoint was first set aside from a time on.
    pub(super) fn set_aside(&self, endpoint: &str, from: Instant) -> Option<Instant> {
        let aside = lock(&self.aside);
        let mut own = aside
            .iter()
            .filter(|(at, other)| *at >= from && other == endpoint);
        own.next().map(|(at, _)| *at)
    }

    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}

impl Observer for Attempts {
    fn on_event(&self, event: &Event<'_>) {
        let (list, endpoint) = match *event {
            Event::Picked { endpoint, .. } => (&self.picked, endpoint),
            Event::Ejected {
                endpoint,
                dark: false,
                ..
            } => (&self.aside, endpoint),
            Event::BreakerChanged {
                endpoint,
                to: "open",
                ..
            } => (&self.aside, endpoint),
            Event::Retried { .. } => {
                self.retries.fetch_add(1, Ordering::Relaxed);
                return;
            }
            _ => return,
        };
        let mut list = lock(list);
        // Under the lock, so that times rise.
        list.push((clock::now(), endpoint.to_owned()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
