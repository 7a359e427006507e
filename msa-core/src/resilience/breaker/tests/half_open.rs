use super::super::{HalfOpen, Outcome, State, Stuck, TrialRule};
use super::{Bench, ms, secs};
use crate::config::Percent;

fn half_open(change: impl FnOnce(&mut HalfOpen)) -> Bench {
    let mut bench = Bench::new(|config| {
        config.consecutive_failures = Some(2);
        change(&mut config.half_open);
    });
    bench.fail(2);
    bench.advance(secs(5));
    bench
}

#[test]
fn three_trials_are_let_through_and_all_must_succeed() {
    let bench = half_open(|_| {});
    let trials = [bench.permit(), bench.permit(), bench.permit()];
    assert!(trials.iter().all(super::OwnedPermit::is_trial));
    assert!(!bench.breaker.would_admit(bench.now));
    assert_eq!(bench.refused(), secs(5));
    let [a, b, c] = trials;
    a.success(bench.now);
    b.success(bench.now);
    assert_eq!(bench.state(), "half_open");
    c.success(bench.now);
    assert_eq!(bench.state(), "closed");
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 0);
}

#[test]
fn the_first_failed_trial_reopens_it_for_twice_the_time() {
    let mut bench = half_open(|_| {});
    let late = bench.permit();
    bench.fail(1);
    assert_eq!(bench.refused(), secs(10));
    late.success(bench.now);
    assert_eq!(bench.state(), "open");
    bench.advance(secs(10));
    bench.fail(1);
    assert_eq!(bench.refused(), secs(20));
    bench.advance(secs(20));
    bench.succeed(3);
    bench.fail(2);
    assert_eq!(bench.refused(), secs(5), "closing begins anew");
}

#[test]
fn a_trial_that_is_dropped_or_ignored_gives_its_place_back() {
    let bench = half_open(|half| half.permits = 1);
    for _ in 0..10 {
        drop(bench.permit());
        bench.permit().ignored(bench.now);
    }
    let held = bench.permit();
    bench.refused();
    held.success(bench.now);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn a_cancelled_trial_reopens_it_where_that_is_the_rule() {
    let mut bench = half_open(|half| half.cancelled_reopens = true);
    drop(bench.permit());
    assert_eq!(bench.state(), "open");
    bench.advance(secs(10));
    let trial = bench.permit();
    bench.advance(secs(1));
    trial.end(Outcome::Cancelled, bench.now);
    assert_eq!(bench.refused(), secs(20));
}

#[test]
fn one_trial_at_a_time_where_that_is_the_rule() {
    let bench = half_open(|half| half.at_once = 1);
    for _ in 0..3 {
        let trial = bench.permit();
        bench.refused();
        trial.success(bench.now);
    }
    assert_eq!(bench.state(), "closed");
}

#[test]
fn thresholds_close_and_reopen_it_by_count() {
    let rule = TrialRule::Thresholds {
        successes: 2,
        failures: 2,
    };
    let bench = half_open(|half| half.rule = rule);
    bench.fail(1);
    bench.succeed(1);
    assert_eq!(bench.state(), "half_open");
    bench.succeed(1);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn rates_are_judged_when_enough_trials_have_ended() {
    for (failures, state) in [(1, "closed"), (2, "open")] {
        let bench = half_open(|half| {
            half.permits = 4;
            half.at_once = 4;
            half.rule = TrialRule::Rate { results: 4 };
        });
        bench.fail(failures);
        bench.succeed(3 - failures);
        assert_eq!(bench.state(), "half_open");
        assert_eq!(bench.breaker.metrics(bench.now).failure_rate, None);
        bench.succeed(1);
        assert_eq!(bench.state(), state);
    }
}

#[test]
fn a_slow_trial_has_not_succeeded_where_slowness_matters() {
    let mut bench = half_open(|_| {});
    let mut config = bench.breaker.config();
    config.slow_after = Some(secs(1));
    config.slow_rate = Some(Percent::new(50));
    bench.breaker.update(config);
    let trial = bench.permit();
    bench.advance(secs(1));
    trial.success(bench.now);
    assert_eq!(bench.state(), "open");
}

#[test]
fn trials_that_never_end_reopen_it_as_of_the_longest_wait() {
    let mut bench = half_open(|half| half.max_wait = Some(secs(30)));
    let stuck = [bench.permit(), bench.permit(), bench.permit()];
    bench.advance(secs(29));
    bench.refused();
    bench.advance(secs(2));
    assert_eq!(bench.state(), "open");
    assert_eq!(bench.refused(), secs(9));
    let [late, forgotten, dropped] = stuck;
    late.failure(bench.now);
    drop(dropped);
    std::mem::forget(forgotten);
    bench.advance(secs(9));
    assert_eq!(bench.state(), "half_open");
    bench.succeed(3);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn who_asks_long_after_a_stuck_half_open_state_gets_a_trial() {
    let mut bench = half_open(|half| half.max_wait = Some(secs(30)));
    std::mem::forget([bench.permit(), bench.permit(), bench.permit()]);
    bench.advance(secs(3600));
    assert_eq!(bench.state(), "half_open");
    assert!(bench.breaker.would_admit(bench.now));
    bench.succeed(3);
    let states: Vec<_> = bench
        .breaker
        .transitions()
        .map(|change| change.to)
        .collect();
    use State::{Closed, HalfOpen, Open};
    assert_eq!(states, [Open, HalfOpen, Open, HalfOpen, Closed]);
}

#[test]
fn a_result_that_comes_after_the_longest_wait_is_late_though_nobody_asked_in_between() {
    let mut bench = half_open(|half| {
        half.max_wait = Some(secs(30));
        half.permits = 1;
    });
    let trial = bench.permit();
    bench.advance(secs(31));
    trial.success(bench.now);
    assert_eq!(bench.state(), "open");
}

#[test]
fn new_trials_may_follow_stuck_ones_where_that_is_the_rule() {
    let mut bench = half_open(|half| {
        half.permits = 1;
        half.max_wait = Some(secs(30));
        half.stuck = Stuck::Readmit;
    });
    let stuck = bench.permit();
    bench.refused();
    bench.advance(secs(30));
    assert_eq!(bench.state(), "half_open");
    let next = bench.permit();
    bench.refused();
    stuck.failure(bench.now);
    assert_eq!(bench.state(), "half_open", "the old trial is late");
    next.success(bench.now);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn more_permits_by_changed_rules_are_there_at_once() {
    let bench = half_open(|half| half.permits = 1);
    let _held = bench.permit();
    bench.refused();
    let mut config = bench.breaker.config();
    config.half_open.permits = 2;
    bench.breaker.update(config);
    assert!(bench.breaker.would_admit(bench.now));
    let _second = bench.permit();
    bench.refused();
}

#[test]
fn the_wait_of_a_refusal_is_told_in_the_error() {
    let bench = Bench::open();
    let error = bench.breaker.try_acquire(bench.now + ms(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the circuit breaker is open: try again in 4s 999ms"
    );
}
