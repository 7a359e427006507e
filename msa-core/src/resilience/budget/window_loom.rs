//! Every interleaving of two threads at the budget's edges. The window has two slots of 500 ms here.

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::clock;

fn budget(percent: u8, per_second: u32) -> (Arc<WindowBudget>, Instant) {
    let config = WindowConfig::default()
        .ratio(Percent::new(percent))
        .min_per_second(per_second)
        .window(Duration::from_secs(1));
    let (budget, now) = (WindowBudget::new(config), clock::now());
    assert_eq!(budget.base.get_or_init(|| now), &now);
    (Arc::new(budget), now)
}

#[test]
fn loom_two_who_ask_for_the_last_token_get_one() {
    loom::model(|| {
        let (budget, now) = budget(0, 1);
        let other = Arc::clone(&budget);
        let theirs = thread::spawn(move || other.try_withdraw(now).is_some());
        let ours = budget.try_withdraw(now).is_some();
        assert!(ours ^ theirs.join().unwrap());
        assert_eq!(budget.balance(now), 0);
    });
}

#[test]
fn loom_a_deposit_beside_a_withdrawal_is_worth_one_token() {
    loom::model(|| {
        let (budget, now) = budget(100, 0);
        let other = Arc::clone(&budget);
        let depositor = thread::spawn(move || other.deposit(now));
        let granted = u64::from(budget.try_withdraw(now).is_some());
        depositor.join().unwrap();
        assert_eq!(granted + budget.balance(now), 1);
    });
}

#[test]
fn loom_a_deposit_that_expires_is_taken_out_once_and_never_granted() {
    loom::model(|| {
        let (budget, start) = budget(100, 0);
        budget.deposit(start);
        let over = start + Duration::from_secs(1);
        let other = Arc::clone(&budget);
        let theirs = thread::spawn(move || other.try_withdraw(over).is_some());
        let ours = budget.try_withdraw(over).is_some();
        assert!(!ours && !theirs.join().unwrap());
        assert_eq!(budget.balance.load(Ordering::Acquire), 0);
    });
}

#[test]
fn loom_turning_beside_a_deposit_loses_and_invents_nothing() {
    loom::model(|| {
        let (budget, start) = budget(100, 1);
        let (half, over) = (Duration::from_millis(500), Duration::from_secs(10));
        let other = Arc::clone(&budget);
        let depositor = thread::spawn(move || other.deposit(start));
        let granted = budget.try_withdraw(start + half).is_some();
        assert!(granted, "the minimum is always there");
        depositor.join().unwrap();
        assert_eq!(budget.balance(start + half), 1);
        assert_eq!(budget.balance(start + over), 1, "all is forgotten");
        assert_eq!(budget.balance.load(Ordering::Acquire), TOKEN);
    });
}

#[test]
fn loom_a_token_given_back_while_its_slot_turns_comes_back_once() {
    loom::model(|| {
        let (budget, start) = budget(0, 1);
        let taken = budget.try_withdraw(start).unwrap();
        let other = Arc::clone(&budget);
        let giver = thread::spawn(move || other.give_back(taken));
        let _ = budget.balance(start + Duration::from_secs(1)); // turns the window
        giver.join().unwrap();
        assert_eq!(budget.balance.load(Ordering::Acquire), TOKEN);
    });
}
