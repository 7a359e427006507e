//! When a queue stands: the control law of CoDel.

use std::time::Duration;

use crate::clock::Instant;

/// Tells a queue that stands from one that only takes up bursts.
///
/// CoDel (Nichols and Jacobson, "Controlling queue delay", 2012; RFC 8289): a queue is bad when its *shortest* wait stays
/// above `target` for a whole `interval`. From then on one is dropped, and while that does not help more and more often:
/// the n-th after `interval / √n`.
#[derive(Debug, Clone)]
pub struct CoDel {
    target: Duration,
    interval: Duration,
    /// When the wait will have been above the target for an interval; `None` while it is below.
    due: Option<Instant>,
    /// Since the queue stands: when the next one goes.
    next: Option<Instant>,
    count: u32,
    /// The count when the queue last began to stand, and the time of its last drop since.
    last: (u32, Option<Instant>),
}

impl CoDel {
    /// The law with these two times; RFC 8289 has 5 ms and 100 ms.
    #[must_use]
    pub const fn new(target: Duration, interval: Duration) -> Self {
        Self {
            target,
            interval,
            due: None,
            next: None,
            count: 0,
            last: (0, None),
        }
    }

    /// Whether the queue stands.
    #[must_use]
    pub const fn is_standing(&self) -> bool {
        self.next.is_some()
    }

    /// Whether one should be dropped now. `wait` is how long the oldest has waited, `None` when nobody does.
    ///
    /// Ask until it says no whenever one is about to leave the queue.
    pub fn should_drop(&mut self, wait: Option<Duration>, now: Instant) -> bool {
        let stands = self.stands(wait, now);
        match self.next {
            Some(_) if !stands => {
                self.next = None;
                false
            }
            Some(next) if now < next => false,
            Some(next) => {
                self.count = self.count.saturating_add(1);
                self.schedule(next);
                true
            }
            None if stands => {
                // It stood a short while ago: go on about as fast as was right then.
                let (before, dropped) = self.last;
                let recent = |at: Instant| {
                    now.saturating_duration_since(at) < self.interval.saturating_mul(16)
                };
                let learned = self.count.saturating_sub(before);
                self.count = if learned > 1 && dropped.is_some_and(recent) {
                    learned
                } else {
                    1
                };
                self.last.0 = self.count;
                self.schedule(now);
                true
            }
            None => false,
        }
    }

    fn stands(&mut self, wait: Option<Duration>, now: Instant) -> bool {
        if wait.is_none_or(|wait| wait < self.target) {
            self.due = None;
            return false;
        }
        match self.due {
            Some(due) => now >= due,
            None => {
                self.due = now.checked_add(self.interval);
                false
            }
        }
    }

    fn schedule(&mut self, from: Instant) {
        let wait = self.interval.div_f64(f64::from(self.count.max(1)).sqrt());
        self.next = from.checked_add(wait);
        self.last.1 = self.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const MS: Duration = Duration::from_millis(1);

    /// Asks once a millisecond, always with the same wait; the milliseconds of the drops.
    fn drops(law: &mut CoDel, start: Instant, waits: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut drops = Vec::new();
        for (ms, wait) in (0..).zip(waits) {
            while law.should_drop(Some(MS * wait), start + MS * ms) {
                drops.push(ms);
            }
        }
        drops
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_stands_is_dropped_from_ever_more_often() {
        let mut law = CoDel::new(MS * 5, MS * 100);
        let drops = drops(&mut law, clock::now(), std::iter::repeat_n(6, 500));
        // 100, and then after 100/√1, 100/√2, 100/√3, …
        assert_eq!(drops, [100, 200, 271, 329, 379, 424, 464]);
        assert!(law.is_standing());
    }

    #[tokio::test(start_paused = true)]
    async fn one_short_wait_within_an_interval_excuses_the_queue() {
        let mut law = CoDel::new(MS * 5, MS * 100);
        let waits = (0..1000).map(|ms| if ms % 90 == 0 { 4 } else { 50 });
        assert_eq!(drops(&mut law, clock::now(), waits), [0; 0]);
        assert!(!law.is_standing());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_soon_stands_again_is_dropped_from_as_fast_as_before() {
        let mut law = CoDel::new(MS * 5, MS * 100);
        let waits = (0..900).map(|ms| if ms == 450 { 0 } else { 6 });
        let drops = drops(&mut law, clock::now(), waits);
        let again: Vec<_> = drops.into_iter().filter(|ms| *ms > 450).collect();
        // Five more than when it began to stand: √5 and not √1 from the second on.
        assert_eq!(again.get(..3), Some([551, 596, 637].as_slice()));
    }
}
