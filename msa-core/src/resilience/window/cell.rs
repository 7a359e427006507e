//! A counter that knows which turn of its bucket it counts for.

use crate::sync::atomic::{AtomicU64, Ordering};

const COUNT_BITS: u32 = 24;
const BUCKET_BITS: u32 = 34;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// A bucket of one generation of a window, the key of a [`Cell`].
///
/// 34 bits of the bucket's number and the low 6 bits of the window's generation. A number comes again after 2^34 buckets (half
/// a year of 1 ms), the same number under the same generation only when a window is emptied 64 times within one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn(u64);

impl Turn {
    #[inline]
    pub(super) fn new(generation: u64, bucket: u64) -> Self {
        let bucket = bucket & ((1 << BUCKET_BITS) - 1);
        Self(((generation & 0x3f) << BUCKET_BITS) | bucket)
    }

    /// Whether a place that is held for this turn may be taken over by another one: not by an earlier bucket, and by another
    /// generation only while `current` says that it is the one in force.
    pub(super) fn gives_way_to(self, turn: Self, current: impl Fn() -> bool) -> bool {
        if self.generation() == turn.generation() {
            !self.is_after(turn)
        } else {
            current()
        }
    }

    fn generation(self) -> u64 {
        self.0 >> BUCKET_BITS
    }

    /// Whether this bucket is later than the other one of the same generation.
    fn is_after(self, other: Self) -> bool {
        const UNUSED: u32 = u64::BITS - BUCKET_BITS;
        let ahead = (self.0 << UNUSED).wrapping_sub(other.0 << UNUSED);
        ahead != 0 && ahead >> (u64::BITS - 1) == 0
    }
}

/// Turn and count in one word, so that whoever comes first in a new turn begins at zero and no count crosses over.
#[derive(Debug)]
pub(super) struct Cell(AtomicU64);

impl Cell {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one for this turn, unless the cell serves a later one by now.
    ///
    /// A cell of another generation is taken over only while `current` says that ours is the one in force. Should that end
    /// right after it was asked, then either somebody else has written the cell, and the exchange below fails, or the count
    /// stands under a generation that nobody reads any more.
    ///
    /// An exchange, not an addition: between reading the turn and adding, the place may have been taken over.
    #[inline]
    pub(super) fn add(&self, turn: Turn, current: impl Fn() -> bool) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let next = if word >> COUNT_BITS == turn.0 {
                if word & MOST == MOST {
                    return;
                }
                word + 1
            } else {
                if !Turn(word >> COUNT_BITS).gives_way_to(turn, &current) {
                    return;
                }
                (turn.0 << COUNT_BITS) | 1
            };
            match self
                .0
                .compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// What was counted for this turn.
    #[inline]
    pub(super) fn get(&self, turn: Turn) -> u64 {
        let word = self.0.load(Ordering::SeqCst);
        if word >> COUNT_BITS == turn.0 {
            word & MOST
        } else {
            0
        }
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_later_turn_begins_at_zero_and_an_earlier_one_is_over() {
        let cell = Cell::new();
        let (early, late) = (Turn::new(1, 3), Turn::new(1, 13));
        cell.add(early, || true);
        cell.add(early, || true);
        assert_eq!(cell.get(early), 2);
        cell.add(late, || true);
        assert_eq!((cell.get(early), cell.get(late)), (0, 1));
        cell.add(early, || true);
        assert_eq!((cell.get(early), cell.get(late)), (0, 1));
    }

    #[test]
    fn a_generation_that_is_over_takes_no_place() {
        let cell = Cell::new();
        cell.add(Turn::new(2, 7), || true);
        cell.add(Turn::new(1, 8), || false);
        assert_eq!(cell.get(Turn::new(2, 7)), 1);
        cell.add(Turn::new(3, 7), || true);
        assert_eq!(cell.get(Turn::new(3, 7)), 1);
    }

    #[test]
    fn a_full_count_stays_and_never_reaches_the_turn() {
        let turn = Turn::new(1, 5);
        let cell = Cell(AtomicU64::new((turn.0 << COUNT_BITS) | (MOST - 1)));
        for _ in 0..3 {
            cell.add(turn, || true);
        }
        assert_eq!(cell.get(turn), MOST);
    }

    #[test]
    fn the_order_of_turns_survives_the_end_of_the_numbers() {
        let last = Turn::new(1, (1 << BUCKET_BITS) - 1);
        let first = Turn::new(1, 1 << BUCKET_BITS);
        assert!(first.is_after(last) && !last.is_after(first) && !last.is_after(last));
    }
}
