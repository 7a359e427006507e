//! Waiting for somebody else's answer.

use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::SingleFlight;
use super::flight::{Answer, pass_on};

/// What came of waiting.
pub(super) enum Waited<V> {
    /// Who worked has it.
    Answer(V),
    /// Who worked went away, and this caller does it now.
    MustLead,
}

/// A place among those who wait. Dropped, it leaves, and passes on a hand-over that was meant for it.
pub(super) struct Waiting<'f, K: Eq + Hash + Clone, V: Clone> {
    flights: &'f SingleFlight<K, V>,
    key: K,
    answer: Answer<V>,
    number: u64,
    left: bool,
}

impl<'f, K: Eq + Hash + Clone, V: Clone> Waiting<'f, K, V> {
    pub(super) fn new(
        flights: &'f SingleFlight<K, V>,
        key: K,
        answer: Answer<V>,
        number: u64,
    ) -> Self {
        Self {
            flights,
            key,
            answer,
            number,
            left: false,
        }
    }
}

// Nothing in it is ever pinned.
impl<K: Eq + Hash + Clone, V: Clone> Unpin for Waiting<'_, K, V> {}

impl<K: Eq + Hash + Clone, V: Clone> Future for Waiting<'_, K, V> {
    type Output = Waited<V>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited<V>> {
        let this = &mut *self;
        let mut flights = this.flights.shard(&this.key);
        if let Some(answer) = this.answer.get() {
            drop(flights);
            this.left = true;
            return Poll::Ready(Waited::Answer(answer.clone()));
        }
        // Without an answer the flight is there, and this caller's: it ends by one, or when nobody waits.
        let Some(flight) = flights
            .get_mut(&this.key)
            .filter(|flight| Arc::ptr_eq(&flight.answer, &this.answer))
        else {
            return Poll::Pending;
        };
        if !flight.led {
            flight.led = true;
            flight.waiting.retain(|(number, _)| *number != this.number);
            this.left = true;
            return Poll::Ready(Waited::MustLead);
        }
        let mine = flight.waiting.iter_mut().find(|(n, _)| *n == this.number);
        if let Some((_, waker)) = mine {
            waker.clone_from(cx.waker());
        }
        Poll::Pending
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Waiting<'_, K, V> {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let mut flights = self.flights.shard(&self.key);
        let Some(flight) = flights
            .get_mut(&self.key)
            .filter(|flight| Arc::ptr_eq(&flight.answer, &self.answer))
        else {
            return; // it has landed
        };
        flight.waiting.retain(|(number, _)| *number != self.number);
        if !flight.led {
            pass_on(flights, &self.key);
        }
    }
}
