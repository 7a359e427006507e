//! A budget over a sliding window.

use std::sync::OnceLock;
use std::time::Duration;

use crate::clock::Instant;
use crate::config::{Percent, RetryBudgetSettings};
use crate::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The window moves on by a tenth of itself; loom gets fewer, whose interleavings it can walk through.
const SLOTS: u64 = if cfg!(msa_loom) { 2 } else { 10 };

/// What one withdrawal costs. A deposit is worth the ratio in millionths, so nothing is ever rounded.
const TOKEN: i64 = 1_000_000;

/// What a [`WindowBudget`] grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct WindowConfig {
    ratio: u32,
    min_per_second: u32,
    window: Duration,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            ratio: Percent::new(20).millionths(),
            min_per_second: 10,
            window: Duration::from_secs(10),
        }
    }
}

impl WindowConfig {
    /// The share of the calls that may be retried. Defaults to 20 %.
    pub fn ratio(mut self, ratio: Percent) -> Self {
        self.ratio = ratio.millionths();
        self
    }

    /// The retries that each call pays for, 0 to 1000: [`ratio`](Self::ratio) for shares above 100 %.
    // Casts: at most 10^9
    pub fn per_call(mut self, retries: f64) -> Self {
        self.ratio = (retries.clamp(0.0, 1000.0) * TOKEN as f64).round() as u32;
        self
    }

    /// How many retries a second there may be however few calls there are, so that a destination that is hardly called
    /// gets its retries too. Defaults to 10.
    pub fn min_per_second(mut self, retries: u32) -> Self {
        self.min_per_second = retries;
        self
    }

    /// How long deposits and withdrawals count, 1 s to 10 min. Defaults to 10 s.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window.clamp(Duration::from_secs(1), Duration::from_secs(600));
        self
    }
}

impl From<&RetryBudgetSettings> for WindowConfig {
    fn from(settings: &RetryBudgetSettings) -> Self {
        Self::default()
            .ratio(settings.ratio)
            .min_per_second(settings.min_per_second)
            .window(settings.window.get())
    }
}

/// Grants, in any window, so many retries a second and a share of the calls that began in it.
///
/// The rule is Finagle's (`RetryBudget`, `TokenRetryBudget`): what is paid in, and what is taken out, counts for one window
/// and is then forgotten; the `balance` is `min_per_second` × window, plus the deposits of the window, less its withdrawals.
/// The window moves by a tenth of itself.
///
/// # Exact under contention
///
/// The balance is one number, and a withdrawal takes its token by compare-and-swap on it. It is never higher than what the
/// window holds: deposits enter the balance after they entered their slot, and leave it before they leave their slot;
/// withdrawals the other way round. So it never grants more than it should, however many threads ask (tower's `TpsBudget` sums its
/// slots up and takes later, and grants more), and when nobody is inside, it is exact: nothing is lost and nothing leaks.
/// What may happen in the moment in which a slot turns is that a retry is refused which a moment later would be granted.
///
/// Lock-free; a deposit is two atomic additions. Time is passed in; a `now` older than what was told before counts as that.
#[derive(Debug)]
pub struct WindowBudget {
    deposit: i64,
    slot_nanos: u64,
    /// The first moment that was told.
    base: OnceLock<Instant>,
    /// The number of the current slot since `base`.
    current: AtomicU64,
    balance: AtomicI64,
    slots: [Slot; SLOTS as usize],
}

/// What happened in a tenth of the window: the slot's number in the upper half of each word, the count in the lower.
///
/// The numbers make emptying a slot safe: who comes late to empty it for an earlier turn finds a later number, and leaves it.
#[derive(Debug)]
struct Slot {
    deposits: AtomicU64,
    withdrawals: AtomicU64,
}

/// A token that was taken, to be given back if it is not used.
#[derive(Debug)]
#[must_use = "what is not used is to be given back"]
pub struct Withdrawal {
    slot: u32,
}

impl Default for WindowBudget {
    fn default() -> Self {
        Self::new(WindowConfig::default())
    }
}

impl WindowBudget {
    /// A budget with nothing but its minimum in it.
    #[must_use]
    pub fn new(config: WindowConfig) -> Self {
        let reserve = f64::from(config.min_per_second) * config.window.as_secs_f64();
        // Casts: at most 2^32 × 600
        let reserve = reserve.floor() as i64;
        Self {
            deposit: config.ratio.into(),
            slot_nanos: nanos(config.window) / SLOTS,
            base: OnceLock::new(),
            current: AtomicU64::new(0),
            balance: AtomicI64::new(reserve.saturating_mul(TOKEN)),
            slots: std::array::from_fn(|number| Slot {
                deposits: AtomicU64::new(pack(number as u64)),
                withdrawals: AtomicU64::new(pack(number as u64)),
            }),
        }
    }

    /// A call begins: pays its share in.
    #[inline]
    pub fn deposit(&self, now: Instant) {
        if self.deposit == 0 {
            return;
        }
        let current = self.turned_to(now);
        let Some(slot) = self.slot(current) else {
            return;
        };
        slot.deposits.fetch_add(1, Ordering::AcqRel);
        self.balance.fetch_add(self.deposit, Ordering::AcqRel);
    }

    /// Takes a token for one retry; `None` when there is none.
    #[must_use]
    pub fn try_withdraw(&self, now: Instant) -> Option<Withdrawal> {
        let current = self.turned_to(now);
        let slot = self.slot(current)?;
        self.balance
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |balance| {
                (balance >= TOKEN).then_some(balance - TOKEN)
            })
            .ok()?;
        let before = slot.withdrawals.fetch_add(1, Ordering::AcqRel);
        Some(Withdrawal {
            slot: number(before), // another one when the slot turned in this moment
        })
    }

    /// Gives a token back that was not used. One of a window that is over came back with that window's end.
    pub fn give_back(&self, withdrawal: Withdrawal) {
        let Some(slot) = self.slot(withdrawal.slot.into()) else {
            return;
        };
        let returned = slot
            .withdrawals
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                (number(word) == withdrawal.slot && count(word) > 0).then(|| word - 1)
            });
        if returned.is_ok() {
            self.balance.fetch_add(TOKEN, Ordering::AcqRel);
        }
    }

    /// How many retries would be granted at `now`, one after the other.
    #[must_use]
    pub fn balance(&self, now: Instant) -> u64 {
        self.turned_to(now);
        let balance = self.balance.load(Ordering::Acquire);
        u64::try_from(balance / TOKEN).unwrap_or(0)
    }

    fn slot(&self, number: u64) -> Option<&Slot> {
        self.slots.get((number % SLOTS) as usize)
    }

    /// The number of the slot that `now` is in, once all that is too old has been forgotten.
    #[inline]
    fn turned_to(&self, now: Instant) -> u64 {
        let base = *self.base.get_or_init(|| now);
        let passed = nanos(now.saturating_duration_since(base));
        let current = self.current.load(Ordering::Acquire);
        // A multiplication where a division would be the dearest part of it all.
        let began = current.wrapping_mul(self.slot_nanos);
        if passed < began || passed - began < self.slot_nanos {
            return current;
        }
        self.turn(current, passed / self.slot_nanos)
    }

    /// Empties the slots that the window leaves behind. Several may do so at once: each slot is emptied once.
    #[cold]
    fn turn(&self, from: u64, to: u64) -> u64 {
        let first = (from + 1).max((to + 1).saturating_sub(SLOTS));
        for turning in first..=to {
            let Some(slot) = self.slot(turning) else {
                continue;
            };
            // Out of the balance first: never may it be higher than what the slots hold.
            while let Some(word) = outdated(&slot.deposits, turning) {
                let worth = self.deposit.saturating_mul(count(word).into());
                self.balance.fetch_sub(worth, Ordering::AcqRel);
                if swap(&slot.deposits, word, turning) {
                    break;
                }
                self.balance.fetch_add(worth, Ordering::AcqRel);
            }
            while let Some(word) = outdated(&slot.withdrawals, turning) {
                if swap(&slot.withdrawals, word, turning) {
                    let worth = TOKEN.saturating_mul(count(word).into());
                    self.balance.fetch_add(worth, Ordering::AcqRel);
                    break;
                }
            }
        }
        self.current.fetch_max(to, Ordering::AcqRel).max(to)
    }
}

/// The slot's word when it is of an earlier turn.
fn outdated(word: &AtomicU64, turning: u64) -> Option<u64> {
    let seen = word.load(Ordering::Acquire);
    // Numbers wrap after 2^32 slots, 13 years of the shortest ones: compared by distance.
    let ahead = number(pack(turning)).wrapping_sub(number(seen));
    (ahead != 0 && ahead <= u32::MAX / 2).then_some(seen)
}

fn swap(word: &AtomicU64, seen: u64, turning: u64) -> bool {
    word.compare_exchange(seen, pack(turning), Ordering::AcqRel, Ordering::Acquire)
        .is_ok()
}

/// An empty slot of this number.
fn pack(number: u64) -> u64 {
    number << 32
}

fn number(word: u64) -> u32 {
    (word >> 32) as u32
}

// Casts: the lower half is the count
fn count(word: u64) -> u32 {
    word as u32
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;

#[cfg(all(test, msa_loom))]
#[path = "window_loom.rs"]
mod loom_tests;
