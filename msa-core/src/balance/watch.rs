//! Who follows what happens to the endpoints of a fleet.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Answer, End, LoadReport, Members, Slot};
use crate::clock::Instant;

/// Somebody who is told what happens to the endpoints of a [`Fleet`](super::Fleet): outlier detection, an algorithm that lives
/// on reports.
///
/// Called on the hot path by many threads at once. An implementation must not hold slots for good: slots hold their
/// fleet's watches, and so neither would ever be freed. [`Slot::id`] names a slot without holding it.
pub trait Watch: Send + Sync + fmt::Debug + 'static {
    /// The fleet has new members. Never called twice at once.
    fn updated(&self, members: &Arc<Members>, now: Instant) {
        let _ = (members, now); // most do not care
    }

    /// An attempt was answered, or failed, so long after it was picked.
    fn answered(&self, slot: &Arc<Slot>, answer: Answer, latency: Duration, now: Instant) {
        let _ = (slot, answer, latency, now); // most do not care
    }

    /// A picked request is over.
    fn ended(&self, slot: &Arc<Slot>, end: End) {
        let _ = (slot, end); // most do not care
    }

    /// The endpoint told its load.
    fn reported(&self, slot: &Arc<Slot>, report: LoadReport, now: Instant) {
        let _ = (slot, report, now); // most do not care
    }

    /// The endpoint said that it is draining; its slot is marked already.
    fn draining(&self, slot: &Arc<Slot>, now: Instant) {
        let _ = (slot, now); // most do not care
    }
}
