//! Failures in a row.

use crate::sync::atomic::{AtomicU64, Ordering};

const FIELD: u32 = 16;
const MOST: u64 = (1 << FIELD) - 1;

/// Failures in a row of one epoch: of any kind, and to connect. Each counts up to 65,535 and stays there.
#[derive(Debug)]
pub(super) struct Streak(AtomicU64);

/// How many failures in a row there are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InARow {
    pub(super) any: u32,
    pub(super) connect: u32,
}

impl Streak {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A success ends what is in a row. Reads only, while nothing is.
    #[inline]
    pub(super) fn end(&self, epoch: u64) {
        if self.0.load(Ordering::Relaxed) & ((1 << (2 * FIELD)) - 1) != 0 {
            self.change(epoch, |_| InARow { any: 0, connect: 0 });
        }
    }

    /// One more failure. One that came so far as to be answered ends the row of those that did not connect.
    pub(super) fn fail(&self, epoch: u64, connect: bool) -> InARow {
        self.change(epoch, |row| InARow {
            any: row.any + 1,
            connect: if connect { row.connect + 1 } else { 0 },
        })
    }

    fn change(&self, epoch: u64, change: impl Fn(InARow) -> InARow) -> InARow {
        let mine = epoch & 0xffff_ffff;
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let held = word >> (2 * FIELD);
            let ahead = held.wrapping_sub(mine) & 0xffff_ffff;
            if ahead != 0 && ahead < 1 << 31 {
                // A later epoch counts already.
                return InARow { any: 0, connect: 0 };
            }
            let row = if ahead == 0 {
                InARow {
                    any: field(word >> FIELD),
                    connect: field(word),
                }
            } else {
                InARow { any: 0, connect: 0 }
            };
            let row = change(row);
            let next = (mine << (2 * FIELD))
                | (u64::from(row.any).min(MOST) << FIELD)
                | u64::from(row.connect).min(MOST);
            match self
                .0
                .compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return row,
                Err(now) => word = now,
            }
        }
    }
}

fn field(word: u64) -> u32 {
    u32::try_from(word & MOST).unwrap_or(u32::MAX)
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_success_ends_both_rows_and_an_answer_that_of_connections() {
        let streak = Streak::new();
        streak.fail(1, true);
        let row = streak.fail(1, true);
        assert_eq!((row.any, row.connect), (2, 2));
        let row = streak.fail(1, false);
        assert_eq!((row.any, row.connect), (3, 0));
        streak.end(1);
        assert_eq!(streak.fail(1, true), InARow { any: 1, connect: 1 });
    }

    #[test]
    fn another_epoch_begins_anew_and_an_earlier_one_changes_nothing() {
        let streak = Streak::new();
        streak.fail(1, true);
        streak.fail(1, true);
        assert_eq!(streak.fail(2, true), InARow { any: 1, connect: 1 });
        streak.end(1);
        streak.fail(1, true);
        assert_eq!(streak.fail(2, true), InARow { any: 2, connect: 2 });
    }

    #[test]
    fn a_very_long_row_stays_long() {
        let streak = Streak::new();
        for _ in 0..MOST + 10 {
            streak.fail(1, true);
        }
        assert!(streak.fail(1, true).any >= 65_535);
    }
}
