use super::*;
use crate::clock;

const S: Duration = Duration::from_secs(1);

fn accrual(rule: AccrualRule) -> (Accrual, Instant) {
    let times = DeadTimes::listed([5 * S, 10 * S]);
    let now = clock::now();
    let config = AccrualConfig::new(AccrualPolicy::new(rule, times));
    (Accrual::new(&config, now), now)
}

#[test]
fn consecutive_failures_count_from_the_last_success_or_revival() {
    let (mut accrual, now) = accrual(AccrualRule::Consecutive { failures: 2 });
    assert_eq!(accrual.failure(now), None);
    accrual.success(now);
    assert_eq!(accrual.failure(now), None);
    assert_eq!(accrual.failure(now), Some(5 * S));
    accrual.revived(now);
    assert_eq!(accrual.failure(now), None);
    assert_eq!(accrual.failure(now), Some(5 * S));
}

#[test]
fn the_times_follow_one_another_and_then_are_five_minutes() {
    let (mut accrual, now) = accrual(AccrualRule::Consecutive { failures: 1 });
    let times: Vec<_> = (0..4).map_while(|_| accrual.failure(now)).collect();
    assert_eq!(times, [5 * S, 10 * S, 300 * S, 300 * S]);
}

#[test]
fn growing_times_stop_at_the_most_however_often() {
    let times = DeadTimes::growing(S, 2.0, 60 * S);
    let seen: Vec<_> = [0, 1, 5, 6, 5000, usize::MAX].map(|n| times.nth(n)).into();
    assert_eq!(seen, [S, 2 * S, 32 * S, 60 * S, 60 * S, 60 * S]);
    assert_eq!(DeadTimes::growing(S, f64::NAN, S).nth(3), S);
}

#[test]
fn a_success_rate_is_judged_after_its_window_of_requests() {
    let (mut accrual, now) = accrual(AccrualRule::SuccessRate {
        required: 0.5,
        requests: 5,
    });
    for _ in 0..4 {
        assert_eq!(accrual.failure(now), None);
    }
    assert_eq!(accrual.failure(now), Some(5 * S));
}

#[test]
fn a_success_rate_over_time_is_judged_after_its_window_and_with_enough_requests() {
    let over = |min_requests| AccrualRule::SuccessRateOver {
        required: 1.0,
        window: 30 * S,
        min_requests,
    };
    let (mut any, now) = accrual(over(0));
    assert_eq!(any.failure(now), None);
    assert_eq!(any.failure(now + 30 * S), Some(5 * S));
    any.revived(now + 30 * S);
    assert_eq!(any.failure(now + 30 * S), None);

    let (mut three, now) = accrual(over(3));
    assert_eq!(
        three.failure(now),
        None,
        "forgotten when the window has passed"
    );
    assert_eq!(three.failure(now + 30 * S), None);
    assert_eq!(three.failure(now + 31 * S), None);
    assert_eq!(three.failure(now + 32 * S), Some(5 * S));
}

#[test]
fn of_several_policies_the_longest_time_counts_and_all_are_told() {
    let rule = |failures, time| {
        let rule = AccrualRule::Consecutive { failures };
        AccrualConfig::new(AccrualPolicy::new(rule, DeadTimes::constant(time)))
    };
    let now = clock::now();
    let mut both = Accrual::new(&rule(1, 5 * S).or(rule(2, 10 * S)), now);
    assert_eq!(both.failure(now), Some(5 * S));
    assert_eq!(both.failure(now), Some(10 * S));
}
