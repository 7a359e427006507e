//! The places that a limit gives: who holds one, and how many wait.

use std::fmt;

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::txn::Criticality;

use super::Shares;

/// One word for both counts, the low half those in flight, the high half those that wait: whoever gives a place back learns
/// with the same instruction whether somebody waits for it, and so no wake-up is lost between the two.
const WAITING: u64 = 1 << 32;

/// The counts of a limit.
pub(super) struct Slots {
    word: AtomicU64,
    limit: AtomicU32,
    /// Four times 16 bits in ten thousandths, the least critical lowest.
    shares: AtomicU64,
}

/// Whether there was a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Taken,
    /// There is none for this criticality.
    Full,
    /// Others wait already, and go first.
    Behind,
}

impl Slots {
    pub(super) fn new(limit: u32, shares: &Shares) -> Self {
        Self {
            word: AtomicU64::new(0),
            limit: AtomicU32::new(limit),
            shares: AtomicU64::new(shares.packed()),
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    pub(super) fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    pub(super) fn set_shares(&self, shares: &Shares) {
        self.shares.store(shares.packed(), Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self) -> u32 {
        in_flight(self.word.load(Ordering::Relaxed))
    }

    pub(super) fn waiting(&self) -> u32 {
        waiting(self.word.load(Ordering::Relaxed))
    }

    /// Up to how many in flight, of all classes together, one of this class is let in: its share of the limit, rounded
    /// up; zero only for a share of zero.
    pub(super) fn ceiling(&self, class: Criticality) -> u32 {
        let limit = self.limit();
        let shares = self.shares.load(Ordering::Relaxed);
        let share = (shares >> (16 * class as u64)) & 0xffff;
        let ceiling = (u64::from(limit) * share).div_ceil(Shares::ALL);
        u32::try_from(ceiling).unwrap_or(limit)
    }

    /// Takes a place unless others wait.
    #[inline]
    pub(super) fn try_take(&self, class: Criticality) -> Take {
        let ceiling = self.ceiling(class);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if waiting(word) > 0 {
                return Take::Behind;
            }
            if in_flight(word) >= ceiling {
                return Take::Full;
            }
            match self.word.compare_exchange_weak(
                word,
                word + 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Take::Taken,
                Err(now) => word = now,
            }
        }
    }

    /// Takes a place whether there is one or not; tells whether there was.
    pub(super) fn take_anyway(&self, class: Criticality) -> bool {
        in_flight(self.word.fetch_add(1, Ordering::AcqRel)) < self.ceiling(class)
    }

    /// Gives a place back; tells whether somebody waits for one.
    #[inline]
    pub(super) fn give_back(&self) -> bool {
        waiting(self.word.fetch_sub(1, Ordering::AcqRel)) > 0
    }

    /// One more waits. Only under the queue's lock, like the next two.
    pub(super) fn wait(&self) {
        self.word.fetch_add(WAITING, Ordering::AcqRel);
    }

    /// So many wait no longer.
    pub(super) fn leave(&self, number: usize) {
        self.word
            .fetch_sub(WAITING.wrapping_mul(number as u64), Ordering::AcqRel);
    }

    /// One that waits takes a place, if there is one for its class.
    pub(super) fn try_grant(&self, class: Criticality) -> bool {
        let ceiling = self.ceiling(class);
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if in_flight(word) >= ceiling {
                return false;
            }
            match self.word.compare_exchange_weak(
                word,
                (word + 1).wrapping_sub(WAITING),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("in_flight", &self.in_flight())
            .field("waiting", &self.waiting())
            .field("limit", &self.limit())
            .finish()
    }
}

// Casts: the low half
const fn in_flight(word: u64) -> u32 {
    word as u32
}

const fn waiting(word: u64) -> u32 {
    (word >> 32) as u32
}
