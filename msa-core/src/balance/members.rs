//! The slots of a fleet, or of a part of it, at one moment.

use std::sync::Arc;

use super::{PickHint, Slot, Standing};
use crate::clock::Instant;

/// The slots that an algorithm chooses from: those with a weight first, each group in the order of its source.
#[derive(Debug, Default)]
pub struct Members {
    slots: Box<[Arc<Slot>]>,
    active: usize,
}

impl Members {
    /// These slots. A wrapper that hands parts of a fleet to inner algorithms makes its own.
    #[must_use]
    pub fn new(slots: impl IntoIterator<Item = Arc<Slot>>) -> Self {
        let (mut active, standby): (Vec<_>, Vec<_>) =
            slots.into_iter().partition(|slot| slot.weight() > 0);
        let count = active.len();
        active.extend(standby);
        Self {
            slots: active.into(),
            active: count,
        }
    }

    /// All of them.
    #[must_use]
    #[inline]
    pub fn all(&self) -> &[Arc<Slot>] {
        &self.slots
    }

    /// Those with a weight above 0.
    #[must_use]
    #[inline]
    pub fn active(&self) -> &[Arc<Slot>] {
        self.slots.get(..self.active).unwrap_or_default()
    }

    /// The best one for this hint, the first of equals from `start` on round the whole list; `None` when the hint
    /// excludes all.
    ///
    /// The last resort of an algorithm whose draws all met endpoints that were not [`Standing::BEST`]. It ends at the
    /// first that is, so with a random start it looks at few while many are healthy.
    #[must_use]
    pub fn best(&self, start: usize, hint: &PickHint<'_>, now: Instant) -> Option<&Arc<Slot>> {
        let (before, from) = self
            .slots
            .split_at_checked(start)
            .unwrap_or((&[], &self.slots));
        let mut best: Option<(Standing, &Arc<Slot>)> = None;
        for slot in from.iter().chain(before) {
            match slot.standing(hint, now) {
                Some(Standing::BEST) => return Some(slot),
                Some(standing) if best.is_none_or(|(best, _)| standing < best) => {
                    best = Some((standing, slot));
                }
                _ => {}
            }
        }
        best.map(|(_, slot)| slot)
    }
}
