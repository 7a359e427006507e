use super::super::{Judge, Outcome};
use super::{Bench, ms, secs};
use crate::config::Percent;
use crate::resilience::window::Window;

#[test]
fn half_of_twenty_calls_failing_opens_it_and_fewer_calls_do_not() {
    let bench = Bench::new(|_| {});
    bench.succeed(10);
    bench.fail(9);
    assert_eq!(bench.state(), "closed");
    bench.fail(1);
    assert_eq!(bench.state(), "open");

    let bench = Bench::new(|_| {});
    bench.fail(19);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn what_has_left_the_window_does_not_count() {
    let mut bench = Bench::new(|_| {});
    bench.fail(19);
    bench.advance(secs(10));
    bench.fail(1);
    assert_eq!(bench.state(), "closed");
    assert_eq!(bench.breaker.metrics(bench.now).counts.failed, 1);
}

#[test]
fn five_failures_to_connect_in_a_row_open_it_long_before_there_is_a_rate() {
    let bench = Bench::new(|_| {});
    let connect = |times| {
        for _ in 0..times {
            bench.permit().end(Outcome::ConnectFailure, bench.now);
        }
    };
    connect(4);
    bench.succeed(1);
    connect(4);
    // An answer, even a bad one, shows that connecting works.
    bench.fail(1);
    connect(4);
    assert_eq!(bench.state(), "closed");
    connect(1);
    assert_eq!(bench.state(), "open");
}

#[test]
fn slow_successes_open_it_where_their_rate_matters() {
    let bench = |rate| {
        Bench::new(|config| {
            config.min_calls = 4;
            config.slow_after = Some(secs(1));
            config.slow_rate = rate;
        })
    };
    for (rate, state) in [(Some(Percent::new(50)), "open"), (None, "closed")] {
        let mut bench = bench(rate);
        bench.succeed(2);
        let permits = [bench.permit(), bench.permit()];
        bench.advance(secs(1));
        for permit in permits {
            permit.success(bench.now);
        }
        assert_eq!(bench.state(), state);
        assert_eq!(bench.breaker.metrics(bench.now).counts.slow, 2);
    }
}

#[test]
fn ignored_and_cancelled_calls_count_neither_way() {
    let bench = Bench::brittle();
    bench.fail(1);
    bench.permit().ignored(bench.now);
    drop(bench.permit());
    bench.permit().end(Outcome::Cancelled, bench.now);
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 1);
    bench.fail(1);
    assert_eq!(
        bench.state(),
        "open",
        "nothing came between the two failures"
    );
}

#[test]
fn a_success_opens_it_only_where_every_call_is_judged() {
    for (judge, state) in [(Judge::Failures, "closed"), (Judge::AnyCall, "open")] {
        let bench = Bench::new(|config| {
            config.judge = judge;
            config.window = Window::Count { size: 4 };
        });
        bench.fail(3);
        bench.succeed(1);
        assert_eq!(bench.state(), state);
    }
}

#[test]
fn a_window_judged_at_intervals_opens_as_of_the_end_of_one() {
    let mut bench = Bench::new(|config| {
        config.judge = Judge::Every(ms(100));
        config.min_calls = 4;
    });
    bench.fail(4);
    assert_eq!(bench.state(), "closed");
    bench.succeed(1);
    bench.advance(ms(99));
    assert_eq!(bench.state(), "closed");
    bench.advance(ms(1));
    assert_eq!(bench.state(), "open");
    // Nobody calls for a while: the open time began at 100 ms all the same.
    bench.advance(ms(4_900));
    assert_eq!(bench.refused(), ms(100));
    bench.advance(ms(100));
    assert_eq!(bench.state(), "half_open");
    bench.succeed(3);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn old_successes_that_leave_the_window_can_make_an_interval_judge_open_it() {
    let mut bench = Bench::new(|config| {
        config.judge = Judge::Every(secs(1));
        config.min_calls = 4;
    });
    bench.succeed(5);
    bench.advance(ms(9_500));
    bench.fail(4);
    assert_eq!(bench.state(), "closed");
    // The successes leave at 10 s, which is when it opens, for 5 s.
    bench.advance(secs(6));
    assert_eq!(bench.state(), "half_open");
    let at = bench.now;
    bench.permit().failure(at);
    let changes: Vec<_> = bench.breaker.transitions().collect();
    assert_eq!(changes[0].at, Some(at - ms(5_500)));
}

#[test]
fn a_call_without_a_permit_of_its_own_counts_in_the_epoch_that_is_told() {
    let bench = Bench::brittle();
    let epoch = bench.permit().success(bench.now);
    let body_failed = || {
        bench
            .breaker
            .record(epoch, Outcome::Failure, secs(0), bench.now);
    };
    body_failed();
    assert_eq!(bench.breaker.metrics(bench.now).counts.failed, 1);
    body_failed();
    assert_eq!(bench.state(), "open");
    bench.breaker.close(bench.now);
    body_failed();
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 0);
}

#[test]
fn other_rules_apply_at_once_and_keep_what_the_same_window_has_counted() {
    let bench = Bench::new(|_| {});
    bench.succeed(4);
    bench.fail(5);
    let mut config = bench.breaker.config();
    config.min_calls = 10;
    bench.breaker.update(config.clone());
    bench.fail(1);
    assert_eq!(bench.state(), "open");

    let bench = Bench::new(|_| {});
    bench.fail(15);
    config.window = Window::Count { size: 10 };
    bench.breaker.update(config);
    bench.fail(9);
    assert_eq!(bench.state(), "closed");
    bench.fail(1);
    assert_eq!(bench.state(), "open");
}

#[test]
fn threads_lose_no_outcome_and_open_it_once() {
    let bench = Bench::new(|config| config.min_calls = 4_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for call in 0..1_000 {
                    let Ok(permit) = bench.breaker.try_acquire(bench.now) else {
                        panic!("opened before all calls were counted");
                    };
                    if call % 2 == 0 {
                        permit.success(bench.now);
                    } else {
                        permit.failure(bench.now);
                    }
                }
            });
        }
    });
    assert_eq!(bench.state(), "open");
    assert_eq!(bench.breaker.transitions().count(), 1);
    let counts = bench.breaker.metrics(bench.now).counts;
    assert_eq!((counts.ok, counts.failed), (2_000, 2_000));
}
