//! The budget against a model that keeps every deposit and withdrawal.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::clock;

fn config(percent: u8, per_second: u32) -> WindowConfig {
    WindowConfig::default()
        .ratio(Percent::new(percent))
        .min_per_second(per_second)
}

fn grants(budget: &WindowBudget, now: Instant) -> u64 {
    let mut granted = 0;
    while budget.try_withdraw(now).is_some() {
        granted += 1;
    }
    granted
}

#[test]
fn it_grants_a_share_of_the_calls_and_some_a_second() {
    let (budget, now) = (WindowBudget::default(), clock::now());
    for _ in 0..1000 {
        budget.deposit(now);
    }
    assert_eq!(budget.balance(now), 100 + 200);
    assert_eq!(grants(&budget, now), 300);
}

#[test]
fn what_was_paid_in_and_taken_out_counts_for_one_window() {
    let (budget, start) = (WindowBudget::new(config(50, 1)), clock::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    for _ in 0..100 {
        budget.deposit(start);
    }
    assert_eq!(grants(&budget, at(5)), 10 + 50);
    assert_eq!(budget.balance(at(9)), 0);
    // The deposits are forgotten, the withdrawals not yet.
    assert_eq!(budget.balance(at(10)), 0);
    // Now both are: the minimum is there again, and no more.
    assert_eq!(budget.balance(at(15)), 10);
    assert_eq!(budget.balance(at(100_000)), 10);
}

#[test]
fn a_token_is_given_back_once_and_not_after_its_window() {
    let (budget, start) = (WindowBudget::new(config(0, 1)), clock::now());
    let (kept, late) = (budget.try_withdraw(start), budget.try_withdraw(start));
    assert_eq!(budget.balance(start), 8);
    budget.give_back(kept.unwrap());
    assert_eq!(budget.balance(start), 9);
    let after = start + Duration::from_secs(11);
    assert_eq!(budget.balance(after), 10);
    budget.give_back(late.unwrap());
    assert_eq!(
        budget.balance(after),
        10,
        "it came back with its window's end"
    );
}

#[test]
fn an_earlier_now_counts_as_the_latest() {
    let (budget, start) = (WindowBudget::new(config(100, 0)), clock::now());
    let later = start + Duration::from_secs(60);
    budget.deposit(later);
    budget.deposit(later + Duration::from_secs(60));
    budget.deposit(start);
    assert_eq!(budget.balance(start), 2);
}

#[test]
fn threads_together_get_exactly_what_there_is() {
    let (budget, now) = (WindowBudget::new(config(20, 0)), clock::now());
    let granted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    budget.deposit(now);
                    if budget.try_withdraw(now).is_some() {
                        granted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let granted = granted.into_inner() + grants(&budget, now);
    assert_eq!(granted, 4 * 5000 / 5);
}

#[test]
fn nothing_leaks_while_threads_turn_the_window() {
    let (budget, start) = (WindowBudget::new(config(50, 3)), clock::now());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let budget = &budget;
            scope.spawn(move || {
                for step in 0..20_000_u64 {
                    let now = start + Duration::from_millis(step * 7 + thread);
                    budget.deposit(now);
                    if let Some(taken) = budget.try_withdraw(now)
                        && step % 3 == 0
                    {
                        budget.give_back(taken);
                    }
                }
            });
        }
    });
    let later = start + Duration::from_secs(3600);
    assert_eq!(budget.balance(later), 30);
}

/// Keeps everything.
#[derive(Default)]
struct Model {
    deposits: Vec<u64>,
    withdrawals: Vec<u64>,
}

impl Model {
    fn balance(&self, config: WindowConfig, slot: u64) -> i64 {
        let live = |of: &[u64]| of.iter().filter(|at| **at + SLOTS > slot).count() as i64;
        let reserve = i64::from(config.min_per_second) * config.window.as_secs() as i64;
        reserve * TOKEN + live(&self.deposits) * i64::from(config.ratio)
            - live(&self.withdrawals) * TOKEN
    }
}

#[derive(Debug, Clone)]
enum Step {
    Deposit(u8),
    Withdraw(u8),
    GiveBack,
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..50_u8).prop_map(Step::Deposit),
        (1..20_u8).prop_map(Step::Withdraw),
        Just(Step::GiveBack),
        (0..3000_u32).prop_map(Step::Pass),
        (0..30_000_u32).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(
        steps in steps(), percent in 0..=100_u8, per_second in 0..4_u32, seconds in 1..20_u64,
    ) {
        let config = config(percent, per_second).window(Duration::from_secs(seconds));
        let slot_ms = seconds * 1000 / SLOTS;
        let (budget, start) = (WindowBudget::new(config), clock::now());
        let (mut model, mut ms) = (Model::default(), 0_u64);
        let mut held: Vec<(Withdrawal, u64)> = Vec::new();
        budget.deposit(start);
        model.deposits.push(0);
        for step in steps {
            let (now, slot) = (start + Duration::from_millis(ms), ms / slot_ms);
            match step {
                Step::Deposit(n) => for _ in 0..n {
                    budget.deposit(now);
                    model.deposits.push(slot);
                },
                Step::Withdraw(n) => for _ in 0..n {
                    let allowed = model.balance(config, slot) >= TOKEN;
                    let taken = budget.try_withdraw(now);
                    prop_assert_eq!(taken.is_some(), allowed);
                    if let Some(taken) = taken {
                        model.withdrawals.push(slot);
                        held.push((taken, slot));
                    }
                },
                Step::GiveBack => if let Some((taken, at)) = held.pop() {
                    budget.give_back(taken);
                    let place = model.withdrawals.iter().rposition(|other| *other == at);
                    model.withdrawals.swap_remove(place.unwrap());
                    model.withdrawals.sort_unstable();
                },
                Step::Pass(more) => ms += u64::from(more),
            }
            let (now, slot) = (start + Duration::from_millis(ms), ms / slot_ms);
            let expected = u64::try_from(model.balance(config, slot) / TOKEN).unwrap_or(0);
            prop_assert_eq!(budget.balance(now), expected);
        }
    }
}
