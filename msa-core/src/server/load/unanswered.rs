//! How long the requests of late have been waiting: what latencies cannot tell, as only answered requests have one.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};

/// Requests are counted by the time of their arrival, in steps of this.
const STEP: Duration = Duration::from_millis(50);

/// How many steps are remembered: 3.2 s. Who has waited for longer tells nothing of the load now; most likely it is a stream.
const STEPS: usize = 64;

/// With fewer arrivals in a step, its share of unanswered ones is chance.
const ENOUGH: u64 = 4;

/// With fewer unanswered ones there is no need to look: they are not most of any step.
pub(super) const FEWEST: u32 = 3;

/// The requests that arrived lately, and how many of them are unanswered, by the time of their arrival.
///
/// If most of the requests that arrived 500 ms ago are still there, a request takes more than 500 ms, whatever the few say that
/// were answered since.
#[derive(Debug)]
pub(super) struct Unanswered {
    steps: Box<[AtomicU64]>,
}

/// A step in one word, so that a reader never sees half of it: its number (24 bits), arrivals and unanswered ones (20 bits each).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    number: u64,
    arrived: u64,
    unanswered: u64,
}

const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const NUMBER_MASK: u64 = (1 << 24) - 1;

impl Step {
    fn unpack(word: u64) -> Self {
        Self {
            number: word >> (2 * COUNT_BITS),
            arrived: (word >> COUNT_BITS) & COUNT_MASK,
            unanswered: word & COUNT_MASK,
        }
    }

    fn pack(self) -> u64 {
        (self.number << (2 * COUNT_BITS)) | (self.arrived << COUNT_BITS) | self.unanswered
    }
}

/// The step of this much of the server's life. Comes again after 9 days, when no request of then is there any more.
pub(super) fn step(life: Duration) -> u64 {
    (life.as_millis() / STEP.as_millis()) as u64 & NUMBER_MASK
}

impl Unanswered {
    pub(super) fn new() -> Self {
        Self {
            steps: (0..STEPS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// A request arrived in this step.
    pub(super) fn arrive(&self, number: u64) {
        self.change(number, |step| {
            if step.number != number {
                return Some(Step {
                    number,
                    arrived: 1,
                    unanswered: 1,
                });
            }
            // A million arrivals in 50 ms are enough to tell a share by.
            (step.arrived < COUNT_MASK).then_some(Step {
                arrived: step.arrived + 1,
                unanswered: step.unanswered + 1,
                ..step
            })
        });
    }

    /// A request that arrived in this step was answered, or given up.
    pub(super) fn leave(&self, number: u64) {
        self.change(number, |step| {
            (step.number == number).then_some(Step {
                unanswered: step.unanswered.saturating_sub(1),
                ..step
            })
        });
    }

    fn change(&self, number: u64, change: impl Fn(Step) -> Option<Step>) {
        if let Some(step) = self.steps.get(number as usize % STEPS) {
            // An error is that nothing is to be changed.
            let _ = step.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                change(Step::unpack(word)).map(Step::pack)
            });
        }
    }

    /// The least that most requests take by now; zero when nothing speaks for more than a moment.
    pub(super) fn at_least(&self, now: u64) -> Duration {
        let longest = (1..STEPS as u64).rev().find(|age| {
            let number = now.wrapping_sub(*age) & NUMBER_MASK;
            let word =
                (self.steps.get(number as usize % STEPS)).map(|step| step.load(Ordering::Relaxed));
            word.map(Step::unpack).is_some_and(|step| {
                step.number == number
                    && step.arrived >= ENOUGH
                    && step.unanswered * 2 > step.arrived
            })
        });
        // The last of a step have waited for one step less.
        longest.map_or(Duration::ZERO, |age| STEP * (age - 1) as u32)
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn when_most_of_an_age_are_unanswered_a_request_takes_at_least_so_long() {
        let waiting = Unanswered::new();
        for n in 0..10 {
            (0..10).for_each(|_| waiting.arrive(100 + n));
        }
        assert_eq!(waiting.at_least(110), ms(450));
        // Half of the oldest are answered.
        (0..5).for_each(|_| waiting.leave(100));
        assert_eq!(waiting.at_least(110), ms(400));
        // The quick ones of each are answered at once: that changes nothing.
        for n in 1..10 {
            (0..4).for_each(|_| waiting.leave(100 + n));
        }
        assert_eq!(waiting.at_least(110), ms(400));
    }

    #[test]
    fn what_is_answered_few_and_long_ago_says_nothing() {
        let waiting = Unanswered::new();
        assert_eq!(waiting.at_least(0), ms(0));
        (0..3).for_each(|_| waiting.arrive(10));
        assert_eq!(waiting.at_least(20), ms(0)); // few
        waiting.arrive(10);
        assert_eq!(waiting.at_least(20), ms(450));
        assert_eq!(waiting.at_least(73), ms(3100));
        assert_eq!(waiting.at_least(74), ms(0)); // long ago
        (0..4).for_each(|_| waiting.leave(10));
        assert_eq!(waiting.at_least(20), ms(0)); // answered
    }

    #[test]
    fn a_step_that_comes_again_begins_anew_and_does_not_mind_who_stayed() {
        let waiting = Unanswered::new();
        (0..10).for_each(|_| waiting.arrive(5));
        let again = 5 + STEPS as u64;
        waiting.arrive(again);
        (0..10).for_each(|_| waiting.leave(5));
        assert_eq!(
            Step::unpack(waiting.steps[5].load(Ordering::Relaxed)),
            Step {
                number: again,
                arrived: 1,
                unanswered: 1
            }
        );
    }

    #[test]
    fn steps_go_on_past_the_end_of_their_numbers() {
        let waiting = Unanswered::new();
        (0..4).for_each(|_| waiting.arrive(NUMBER_MASK));
        assert_eq!(waiting.at_least(9), ms(450));
    }
}
