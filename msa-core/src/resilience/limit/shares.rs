//! How much of a limit each criticality may use.

use crate::config::Percent;
use crate::txn::Criticality;

/// Up to which part of the limit a request of each criticality is let in.
///
/// All requests in flight count, of whatever criticality: with a share of 50 %, background work is let in while less than
/// half of the limit is in use, no matter by whom. So the headroom above a share is kept for what matters more, and the
/// lower classes are turned away first as load rises (telephony calls it *trunk reservation*). What matters more also
/// leaves the queue first.
///
/// Shares never fall with criticality: a class has at least the share of every class below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shares {
    /// Of [`Criticality::Background`]. 50 %.
    pub background: Percent,
    /// Of [`Criticality::Sheddable`]. 75 %.
    pub sheddable: Percent,
    /// Of [`Criticality::Default`]. 100 %.
    pub default: Percent,
    /// Of [`Criticality::Critical`]. 100 %.
    pub critical: Percent,
}

impl Shares {
    /// What 100 % is in the packed form.
    pub(super) const ALL: u64 = 10_000;

    /// Everybody may use all of it.
    #[must_use]
    pub const fn equal() -> Self {
        Self {
            background: Percent::ALL,
            sheddable: Percent::ALL,
            default: Percent::ALL,
            critical: Percent::ALL,
        }
    }

    /// The share of a class, with what the classes below it have.
    #[must_use]
    pub fn of(&self, class: Criticality) -> Percent {
        let upward = [
            (Criticality::Background, self.background),
            (Criticality::Sheddable, self.sheddable),
            (Criticality::Default, self.default),
            (Criticality::Critical, self.critical),
        ];
        let below = upward.into_iter().filter(|(other, _)| *other <= class);
        below.map(|(_, share)| share).max().unwrap_or(Percent::ALL)
    }

    pub(super) fn packed(&self) -> u64 {
        CLASSES.into_iter().fold(0, |packed, class| {
            // Rounded up: only a share of nothing is nothing.
            let share = u64::from(self.of(class).millionths()).div_ceil(1_000_000 / Self::ALL);
            packed | share << (16 * class as u64)
        })
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            background: Percent::new(50),
            sheddable: Percent::new(75),
            default: Percent::ALL,
            critical: Percent::ALL,
        }
    }
}

/// The classes, the least critical first, which is their order as numbers too.
pub(super) const CLASSES: [Criticality; 4] = [
    Criticality::Background,
    Criticality::Sheddable,
    Criticality::Default,
    Criticality::Critical,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::limit::slots::{Slots, Take};

    #[test]
    fn each_class_has_at_least_what_the_classes_below_it_have() {
        let shares = Shares {
            sheddable: Percent::new(80),
            default: Percent::new(20),
            ..Shares::default()
        };
        let of = CLASSES.map(|class| shares.of(class));
        assert_eq!(of, [50, 80, 80, 100].map(Percent::new));
    }

    #[test]
    fn classes_are_let_in_up_to_their_share_whoever_uses_it() {
        let slots = Slots::new(10, &Shares::default());
        assert_eq!(CLASSES.map(|class| slots.ceiling(class)), [5, 8, 10, 10]);
        for _ in 0..5 {
            assert_eq!(slots.try_take(Criticality::Critical), Take::Taken);
        }
        assert_eq!(slots.try_take(Criticality::Background), Take::Full);
        assert_eq!(slots.try_take(Criticality::Sheddable), Take::Taken);
    }

    #[test]
    fn only_a_share_of_nothing_lets_nobody_in() {
        let shares = Shares {
            background: Percent::ZERO,
            sheddable: Percent::from_millionths(1).unwrap(),
            ..Shares::default()
        };
        let slots = Slots::new(1, &shares);
        assert_eq!(slots.ceiling(Criticality::Background), 0);
        assert_eq!(slots.ceiling(Criticality::Sheddable), 1);
    }
}
