//! The known faults of other breakers, above all those of the crate failsafe 1.3, and that this one has none of them.

use std::time::Duration;

use super::super::{Breaker, BreakerConfig, BreakerLayer, HttpStatus, OpenTime, Outcome};
use super::{Bench, secs};
use crate::clock;

#[test]
fn of_a_thousand_calls_at_once_half_open_lets_only_its_trials_through() {
    let mut bench = Bench::open();
    bench.advance(secs(5));
    let (bench, through) = (&bench, std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let permit = bench.breaker.try_acquire(bench.now);
                    through.lock().unwrap().extend(permit);
                }
            });
        }
    });
    assert_eq!(through.lock().unwrap().len(), 3);
}

#[test]
fn late_success_from_an_earlier_epoch_does_not_close_the_breaker() {
    let mut bench = Bench::brittle();
    let late = [bench.permit(), bench.permit(), bench.permit()];
    bench.fail(2);
    bench.advance(secs(5));
    let trial = bench.permit();
    for permit in late {
        permit.success(bench.now);
    }
    assert_eq!(bench.state(), "half_open");
    trial.failure(bench.now);
    assert_eq!(bench.state(), "open");
}

#[test]
fn late_failures_from_an_earlier_epoch_do_not_open_it_again() {
    let mut bench = Bench::brittle();
    let late = [bench.permit(), bench.permit()];
    bench.fail(2);
    bench.advance(secs(5));
    bench.succeed(3);
    for permit in late {
        permit.end(Outcome::ConnectFailure, bench.now);
    }
    assert_eq!(bench.state(), "closed");
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 0);
}

#[test]
fn a_dropped_future_gives_its_trial_back() {
    let mut bench = Bench::open();
    bench.advance(secs(5));
    for _ in 0..100 {
        drop(bench.permit());
    }
    assert_eq!(bench.state(), "half_open");
    bench.succeed(3);
    assert_eq!(bench.state(), "closed");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_503_is_a_failure_though_the_call_returned_ok() {
    use tower::{Layer as _, Service as _, service_fn};

    let config = BreakerConfig {
        consecutive_failures: Some(2),
        ..BreakerConfig::default()
    };
    let breaker = std::sync::Arc::new(Breaker::seeded(config, 1));
    let layer = BreakerLayer::new(breaker.clone()).classify(HttpStatus);
    let mut service = layer.layer(service_fn(async |_: ()| {
        let answer = http::Response::builder().status(503).body(());
        Ok::<_, std::io::Error>(answer.unwrap())
    }));
    for _ in 0..2 {
        assert_eq!(service.call(()).await.unwrap().status(), 503);
    }
    assert!(service.call(()).await.is_err());
}

#[test]
fn asking_whether_a_call_would_be_let_through_changes_nothing() {
    let mut bench = Bench::open();
    bench.advance(secs(5));
    let before = format!("{:?}", bench.breaker);
    for _ in 0..1_000 {
        assert!(bench.breaker.would_admit(bench.now));
        assert_eq!(bench.state(), "half_open");
        let _ = bench.breaker.metrics(bench.now);
    }
    assert_eq!(format!("{:?}", bench.breaker), before);
    assert_eq!(bench.breaker.last_state().as_str(), "open");
    let _trials = [bench.permit(), bench.permit(), bench.permit()];
}

#[tokio::test(start_paused = true)]
async fn the_time_is_the_one_that_is_told_so_a_paused_clock_replays_it() {
    let breaker = Breaker::seeded(BreakerConfig::default(), 1);
    for _ in 0..20 {
        let now = clock::now();
        breaker.try_acquire(now).unwrap().failure(now);
    }
    let wait = breaker.try_acquire(clock::now()).unwrap_err().retry_after;
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(
        breaker.try_acquire(clock::now()).unwrap_err().retry_after,
        wait
    );
    tokio::time::advance(wait).await;
    assert!(breaker.try_acquire(clock::now()).is_ok());
}

#[test]
fn open_times_below_a_second_are_times_like_any_other() {
    let mut bench = Bench::new(|config| {
        config.consecutive_failures = Some(1);
        config.open = OpenTime::fixed(Duration::from_millis(10));
    });
    bench.fail(1);
    assert_eq!(bench.refused(), Duration::from_millis(10));
    bench.advance(Duration::from_millis(10));
    bench.succeed(3);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn a_clock_that_seems_to_go_back_neither_panics_nor_loses_anything() {
    let mut bench = Bench::new(|config| config.slow_after = Some(secs(1)));
    bench.advance(secs(100));
    let permit = bench.permit();
    bench.now -= secs(200);
    permit.success(bench.now);
    bench.succeed(1);
    bench.fail(1);
    assert_eq!(bench.state(), "closed");
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 3);
}

#[test]
fn the_end_of_time_is_no_panic() {
    let bench = Bench::new(|config| {
        config.consecutive_failures = Some(1);
        config.open = OpenTime::fixed(Duration::MAX);
        config.half_open.max_wait = Some(Duration::MAX);
    });
    bench.fail(1);
    assert_eq!(bench.state(), "open");
    assert!(bench.refused() > secs(3600 * 24 * 365 * 500));
    bench.breaker.half_open(bench.now);
    bench.succeed(3);
    assert_eq!(bench.state(), "closed");
}

#[test]
fn seeds_spread_the_open_times_of_a_fleet_by_up_to_a_tenth() {
    let waits = (0..200).map(|seed| {
        let breaker = Breaker::seeded(BreakerConfig::default(), seed);
        let now = clock::now();
        breaker.open(now);
        let wait = breaker.try_acquire(now).unwrap_err().retry_after;
        assert!((secs(5)..=Duration::from_millis(5_500)).contains(&wait));
        wait
    });
    let different: std::collections::BTreeSet<_> = waits.collect();
    assert!(different.len() > 100, "{}", different.len());
}
