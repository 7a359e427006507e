//! What all connections of a listener share: how many they are, and how far the drain has come.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::report::{Cut, NAMED};
use super::{DrainReport, Limits};

/// How far the drain has come, as connections see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// No drain.
    Open,
    /// Answers tell callers to go elsewhere.
    Draining,
    /// Requests in flight end, everything else is closed.
    Closing,
    /// Everything ends now.
    Cut,
}

pub(super) struct Tracker {
    pub(super) limits: Limits,
    /// Twice the stage, and one more once those who watch were told of it.
    stage: AtomicU8,
    pub(super) changed: Arc<Notify>,
    open: AtomicUsize,
    /// Told when a connection ends. One waiter: the accept loop.
    pub(super) freed: Notify,
    per_ip: Mutex<HashMap<IpAddr, usize>>,
    cut: Mutex<(Vec<Cut>, usize)>,
    unread: AtomicUsize,
}

impl Tracker {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            stage: AtomicU8::new(told(Stage::Open)),
            changed: Arc::new(Notify::new()),
            open: AtomicUsize::new(0),
            freed: Notify::new(),
            per_ip: Mutex::default(),
            cut: Mutex::default(),
            unread: AtomicUsize::new(0),
        })
    }

    #[inline]
    pub(super) fn stage(&self) -> Stage {
        self.stage_and_told().0
    }

    /// The stage, and whether everybody who watches was told of it. Until then a watch may be one that the telling uses up,
    /// so it must be laid again afterwards.
    #[inline]
    pub(super) fn stage_and_told(&self) -> (Stage, bool) {
        let now = self.stage.load(Ordering::Acquire);
        let stage = match now >> 1 {
            0 => Stage::Open,
            1 => Stage::Draining,
            2 => Stage::Closing,
            _ => Stage::Cut,
        };
        (stage, now & 1 == 1)
    }

    /// Moves on to `stage`. A stage already there wakes nobody: who is woken expects a change and watches for the next
    /// one only when it finds one.
    pub(super) fn advance(&self, stage: Stage) {
        if self.enter_stage(stage) {
            self.tell_stage(stage);
        }
    }

    fn enter_stage(&self, stage: Stage) -> bool {
        let before = self.stage.fetch_max(told(stage) - 1, Ordering::AcqRel);
        before < told(stage) - 1
    }

    fn tell_stage(&self, stage: Stage) {
        self.changed.notify_waiters();
        self.stage.fetch_max(told(stage), Ordering::AcqRel);
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Counts a connection in. Tells whether it belongs to the reserve, or `None` when its address has too many.
    pub(super) fn enter(&self, ip: IpAddr) -> Option<bool> {
        let limit = self.limits.max_connections_per_ip;
        if limit > 0 {
            let mut per_ip = self.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
            let count = per_ip.entry(host(ip)).or_default();
            if *count >= limit {
                return None;
            }
            *count += 1;
        }
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        Some(before >= self.limits.general_connections())
    }

    /// Counts it out.
    pub(super) fn leave(&self, ip: IpAddr) {
        if self.limits.max_connections_per_ip > 0 {
            let mut per_ip = self.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = per_ip.get_mut(&host(ip)) {
                *count -= 1;
                if *count == 0 {
                    per_ip.remove(&host(ip));
                }
            }
        }
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.freed.notify_one();
    }

    pub(super) fn note_cut(&self, cut: impl FnOnce() -> Cut) {
        let mut list = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        list.1 += 1;
        if list.0.len() < NAMED {
            list.0.push(cut());
        }
    }

    pub(super) fn note_unread(&self) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until fewer than `limit` connections are open.
    pub(super) async fn fewer_than(&self, limit: usize) {
        while self.open() >= limit {
            self.freed.notified().await;
        }
    }

    pub(super) fn take_report(&self) -> DrainReport {
        let mut list = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        DrainReport {
            cut: std::mem::take(&mut list.0),
            cut_total: list.1,
            unread: self.unread.load(Ordering::Relaxed),
            stuck: self.open(),
            ..DrainReport::default()
        }
    }
}

/// What the tracker's word says of a stage that everybody was told of.
const fn told(stage: Stage) -> u8 {
    2 * stage as u8 + 1
}

/// Who counts as one: an IPv4 address, also when it comes mapped, or the /64 of an IPv6 address.
fn host(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Wake, Waker};
    use std::time::Duration;

    use super::super::alarm::Alarm;
    use super::*;
    use crate::clock;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_between_a_change_and_its_telling_still_hears_of_the_next_one() {
        let tracker = Tracker::new(Limits::default());
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut cx = Context::from_waker(&waker);
        let mut alarm = pin!(Alarm::new(clock::now() + Duration::from_secs(75), &tracker));
        let mut look = || alarm.as_mut().poll(&mut cx, &tracker).0;
        assert_eq!(look(), Stage::Open);

        assert!(tracker.enter_stage(Stage::Draining));
        assert_eq!(look(), Stage::Draining);
        tracker.tell_stage(Stage::Draining);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(look(), Stage::Draining);

        tracker.advance(Stage::Closing);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
        assert_eq!(look(), Stage::Closing);
    }

    #[test]
    fn an_address_has_its_own_count_and_gets_it_back() {
        let limits = Limits {
            max_connections_per_ip: 1,
            ..Limits::default()
        };
        let tracker = Tracker::new(limits);
        let [a, mapped, b] =
            ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        assert_eq!(tracker.enter(a), Some(false));
        assert_eq!(tracker.enter(mapped), None);
        assert_eq!(tracker.enter(b), Some(false));
        tracker.leave(a);
        assert_eq!(tracker.enter(mapped), Some(false));
        let [v6, neighbour] = ["2001:db8::1", "2001:db8::2:1"].map(|ip| ip.parse().unwrap());
        assert_eq!(tracker.enter(v6), Some(false));
        assert_eq!(tracker.enter(neighbour), None);
    }
}
