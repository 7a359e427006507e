//! Tells outliers from the answers, and sets them aside.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::change::{Change, Rule};
use super::config::{Consecutive, OutlierConfig};
use super::observe::{ACCRUAL, Broken, COUNTS, SPLIT, TIMES};
use super::state::State;
use super::statistics::Rates;
use crate::balance::Slot;
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// Watches the endpoints of one fleet; the core without I/O, whose face is [`Outliers`](super::Outliers).
///
/// [`observe`](Self::observe) is told every answer, lock-free; what it returns is handed to [`eject`](Self::eject).
/// [`poll`](Self::poll) is one load until a sweep is due: whoever comes then sweeps, so no task of its own is needed, and a
/// service that nobody calls costs nothing. Decisions are taken one at a time, so that the cap holds however many endpoints
/// fail at once.
///
/// `members` are the fleet's slots at that moment. An ejection looks at each of them once, to know how many are out; a
/// sweep does the same and allocates.
#[derive(Debug)]
pub struct Detector {
    origin: Instant,
    /// When [`Self::poll`] has something to do, in nanoseconds since the origin.
    due: AtomicU64,
    // What the hot path needs of the settings.
    pub(super) gateway_failures: AtomicU32,
    pub(super) server_errors: AtomicU32,
    pub(super) local_failures: AtomicU32,
    pub(super) mode: AtomicU32,
    state: Mutex<State>,
}

/// In panic the share of available endpoints is looked at so often: breakers close without telling.
const PANIC_CHECK: Duration = Duration::from_secs(1);

/// How often a rule found an outlier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// In all.
    pub detected: u64,
    /// Of these, set aside.
    pub enforced: u64,
    /// Of these, kept in since too many were out already.
    pub overflow: u64,
}

impl Detector {
    /// A detector with these settings; all its chance comes from the seed.
    #[must_use]
    pub fn new(config: OutlierConfig, seed: u64, now: Instant) -> Self {
        let detector = Self {
            origin: now,
            due: AtomicU64::new(0),
            gateway_failures: AtomicU32::new(0),
            server_errors: AtomicU32::new(0),
            local_failures: AtomicU32::new(0),
            mode: AtomicU32::new(0),
            state: Mutex::new(State::new(config, seed, now)),
        };
        detector.publish(&detector.state());
        detector
    }

    /// Takes over changed settings. Who is out stays out for its time, unless no rule is left or dark mode is on.
    pub fn configure(
        &self,
        config: OutlierConfig,
        members: &[Arc<Slot>],
        now: Instant,
    ) -> Vec<Change> {
        let mut state = self.state();
        if config.accrual != state.config().accrual {
            for member in members {
                *member.health().accrual() = None;
            }
        }
        let changes = state.configure(config, members, now);
        self.publish(&state);
        self.assessed(&state, changes, members, now)
    }

    /// Sets aside the slot that broke these rules, if it is still a member, and if cap, chance and dark mode allow. Tells
    /// what happened, in order.
    #[cold]
    pub fn eject(
        &self,
        members: &[Arc<Slot>],
        slot: &Slot,
        broken: Broken,
        now: Instant,
    ) -> Vec<Change> {
        let mut state = self.state();
        let rules = [
            (broken.dead.is_some(), Rule::Accrual, broken.dead),
            (broken.local, Rule::LocalFailures, None),
            (broken.gateway, Rule::GatewayFailures, None),
            (broken.errors, Rule::ServerErrors, None),
        ];
        let rules = rules.into_iter().filter(|(broken, ..)| *broken);
        let changes = rules
            .filter_map(|(_, rule, time)| state.eject(members, slot, rule, time, now))
            .collect();
        self.assessed(&state, changes, members, now)
    }

    /// Whether [`poll`](Self::poll) has something to do. One load.
    #[must_use]
    #[inline]
    pub fn is_due(&self, now: Instant) -> bool {
        self.nanos(now) >= self.due.load(Ordering::Relaxed)
    }

    /// Does what is due: a sweep when the interval has passed, or a look whether panic is over. Of many who come at once,
    /// one does it and the others need not wait.
    #[cold]
    pub fn poll(&self, members: &[Arc<Slot>], now: Instant) -> Vec<Change> {
        let due = self.due.load(Ordering::Relaxed);
        let at = self.nanos(now);
        let claim = at.saturating_add(1_000_000_000);
        let claimed = (self.due).compare_exchange(due, claim, Ordering::Relaxed, Ordering::Relaxed);
        if at < due || claimed.is_err() {
            return Vec::new();
        }
        if now >= self.state().next_sweep() {
            self.sweep(members, now)
        } else {
            self.reassess(members, now)
        }
    }

    /// Sweeps at once: who has sat out its time returns, and the answers since the last sweep are judged.
    pub fn sweep(&self, members: &[Arc<Slot>], now: Instant) -> Vec<Change> {
        let mut state = self.state();
        let changes = state.sweep(members, now);
        self.assessed(&state, changes, members, now)
    }

    /// Looks anew whether enough endpoints are available. To be called when the set or a breaker has changed.
    pub fn reassess(&self, members: &[Arc<Slot>], now: Instant) -> Vec<Change> {
        self.assessed(&self.state(), Vec::new(), members, now)
    }

    /// The endpoint of this slot, marked already, said that it is draining: it gets no calls until discovery brings it
    /// anew, an active health check finds it healthy, or the drain time has passed.
    pub fn drain(&self, members: &[Arc<Slot>], slot: &Slot, now: Instant) -> Vec<Change> {
        let state = self.state();
        let changes = state.drain(slot, now).into_iter().collect();
        self.assessed(&state, changes, members, now)
    }

    /// The result of active health checks. A healthy endpoint returns at once, whatever it was set aside for; an unhealthy
    /// one stays out until it is healthy: no cap holds it in, only panic does. `time` is how long that takes at least.
    pub fn checked(
        &self,
        members: &[Arc<Slot>],
        slot: &Slot,
        healthy: bool,
        time: Duration,
        now: Instant,
    ) -> Vec<Change> {
        let mut state = self.state();
        let change = state.checked(slot, healthy, time, now);
        let changes = change.into_iter().collect();
        self.assessed(&state, changes, members, now)
    }

    /// How often a rule found an outlier since the start.
    #[must_use]
    pub fn counts(&self, rule: Rule) -> Counts {
        self.state().counts(rule)
    }

    /// Where the success rates lay at the last sweep; `None` when too few endpoints had enough requests.
    #[must_use]
    pub fn rates(&self) -> Option<Rates> {
        self.state().rates
    }

    /// The same of connections, where failures of our own side are judged apart.
    #[must_use]
    pub fn local_rates(&self) -> Option<Rates> {
        self.state().local_rates
    }

    /// Begins or ends panic, which the fleet's slots read, and sets when to look again.
    fn assessed(
        &self,
        state: &State,
        mut changes: Vec<Change>,
        members: &[Arc<Slot>],
        now: Instant,
    ) -> Vec<Change> {
        let mut next = state.next_sweep();
        if let Some(any) = members.first() {
            let on = state.too_few(members, now);
            if any.common().set_panic(on) {
                changes.push(Change::Panic { on });
            }
            if on {
                next = next.min(now + PANIC_CHECK);
            }
        }
        self.due.store(self.nanos(next), Ordering::Relaxed);
        changes
    }

    fn publish(&self, state: &State) {
        let config = state.config();
        let failures = |rule: &Option<Consecutive>| rule.map_or(0, |rule| rule.failures.max(1));
        let thresholds = [
            (&self.gateway_failures, &config.gateway_failures),
            (&self.server_errors, &config.server_errors),
            (&self.local_failures, &config.local_failures),
        ];
        for (to, rule) in thresholds {
            to.store(failures(rule), Ordering::Relaxed);
        }
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        let mode = flag(config.counts_answers(), COUNTS)
            | flag(config.split_local_origin, SPLIT)
            | flag(config.accrual.is_some(), ACCRUAL)
            | flag(config.latency.is_some(), TIMES);
        self.mode.store(mode, Ordering::Relaxed);
        let next = self.nanos(state.next_sweep());
        self.due.store(next, Ordering::Relaxed);
    }

    fn nanos(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.origin);
        u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
