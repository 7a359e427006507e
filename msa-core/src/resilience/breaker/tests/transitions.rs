use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::{Breaker, FailurePolicy, Reason, State};
use super::{Bench, secs};
use crate::clock::Instant;
use crate::event::{Event, Observer, Observers};

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::BreakerChanged {
            service,
            endpoint,
            from,
            to,
            reason,
            dark,
        } = event
        {
            let text = format!("{service} {endpoint} {from} {to} {reason} {dark}");
            self.0.lock().unwrap().push(text);
        }
    }
}

#[test]
fn every_change_is_told_once_in_order_with_its_reason() {
    let mut bench = Bench::open();
    bench.advance(secs(5));
    bench.fail(1);
    bench.advance(secs(5));
    bench.succeed(3);
    let heard = Arc::new(Heard::default());
    let observers = Observers::none().with(heard.clone());
    for _ in 0..2 {
        bench
            .breaker
            .tell(&observers, "stock", "10.0.0.1:80", false);
    }
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "stock 10.0.0.1:80 closed open consecutive_failures false",
            "stock 10.0.0.1:80 open half_open open_time_over false",
            "stock 10.0.0.1:80 half_open open trial_failed false",
            "stock 10.0.0.1:80 open half_open open_time_over false",
            "stock 10.0.0.1:80 half_open closed trials_succeeded false",
        ]
    );
}

#[test]
fn under_contention_changes_are_told_in_the_order_of_their_epochs_and_none_is_missing() {
    let bench = Bench::new(|_| {});
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..200 {
                    if turn % 2 == 0 {
                        bench.breaker.force_open(bench.now);
                    } else {
                        bench.breaker.close(bench.now);
                    }
                    for change in bench.breaker.transitions() {
                        told.lock().unwrap().push(change);
                    }
                }
            });
        }
    });
    let told = told.into_inner().unwrap();
    assert!(told.windows(2).all(|pair| pair[0].epoch < pair[1].epoch));
    assert!(told.windows(2).all(|pair| pair[0].to == pair[1].from));
    assert_eq!(told.last().unwrap().to, bench.breaker.last_state());
    assert_eq!(bench.breaker.transitions().count(), 0);
}

#[test]
fn who_stops_telling_half_way_leaves_the_rest_to_the_next() {
    let bench = Bench::open();
    bench.breaker.close(bench.now);
    assert_eq!(bench.breaker.transitions().next().unwrap().to, State::Open);
    let rest: Vec<_> = bench.breaker.transitions().collect();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].to, State::Closed);
}

#[test]
fn an_observer_may_ask_the_breaker_while_it_is_told() {
    let bench = Bench::open();
    for change in bench.breaker.transitions() {
        assert_eq!(bench.breaker.state(bench.now), change.to);
        assert_eq!(bench.breaker.transitions().count(), 0);
    }
}

#[test]
fn changes_that_nobody_asks_for_do_not_pile_up() {
    let bench = Bench::new(|_| {});
    for _ in 0..1_000 {
        bench.breaker.force_open(bench.now);
        bench.breaker.close(bench.now);
    }
    let kept: Vec<_> = bench.breaker.transitions().collect();
    assert_eq!(kept.len(), 64);
    assert_eq!(kept.last().unwrap().to, State::Closed);
}

#[test]
fn hands_on_the_switch_win_over_the_rules() {
    let mut bench = Bench::brittle();
    bench.breaker.disable(bench.now);
    bench.fail(10);
    assert_eq!(bench.state(), "disabled");
    assert_eq!(bench.breaker.metrics(bench.now).counts.total(), 0);

    bench.breaker.only_measure(bench.now);
    bench.fail(10);
    assert_eq!(bench.state(), "metrics_only");
    assert_eq!(bench.breaker.metrics(bench.now).counts.failed, 10);

    bench.breaker.force_open(bench.now);
    bench.advance(secs(3600));
    assert_eq!(bench.refused(), secs(5));
    assert!(!bench.breaker.would_admit(bench.now));
    assert_eq!(bench.breaker.metrics(bench.now).refused, 1);

    bench.breaker.close(bench.now);
    bench.succeed(1);
    assert_eq!(bench.state(), "closed");
    let reasons: Vec<_> = bench.breaker.transitions().map(|one| one.reason).collect();
    assert_eq!(reasons, [Reason::Manual; 4]);
}

/// Opens at every third failure, for 1 s, 2 s, 3 s …
#[derive(Debug, Default)]
struct Thirds {
    failures: u64,
    revived: Arc<Mutex<u32>>,
}

impl FailurePolicy for Thirds {
    fn success(&mut self, _: Instant) {
        self.failures = 0;
    }
    fn failure(&mut self, _: Instant) -> Option<Duration> {
        self.failures += 1;
        self.failures
            .is_multiple_of(3)
            .then(|| secs(self.failures / 3))
    }
    fn revived(&mut self, _: Instant) {
        self.failures = 0;
        *self.revived.lock().unwrap() += 1;
    }
}

#[test]
fn a_policy_from_outside_opens_it_for_the_time_it_says() {
    let policy = Thirds::default();
    let revived = policy.revived.clone();
    let mut bench = Bench::new(|_| {});
    bench.breaker = Arc::new(Breaker::default().driven_by(policy));
    bench.fail(2);
    bench.succeed(1);
    bench.fail(3);
    assert_eq!(bench.refused(), secs(1));
    bench.advance(secs(1));
    bench.fail(1);
    assert_eq!(
        bench.refused(),
        secs(1),
        "it said nothing: as long as last time"
    );
    bench.advance(secs(1));
    bench.succeed(3);
    assert_eq!(*revived.lock().unwrap(), 1);
    let first = bench.breaker.transitions().next().unwrap();
    assert_eq!(first.reason, Reason::Policy);
}

#[test]
fn open_times_may_come_from_any_iterator_and_begin_anew_when_it_closes() {
    let mut bench = Bench::brittle();
    let breaker = Breaker::seeded(bench.breaker.config(), 1);
    bench.breaker = Arc::new(breaker.with_open_times([secs(1), secs(3)]));
    bench.fail(2);
    for wait in [1, 3, 3] {
        assert_eq!(bench.refused(), secs(wait));
        bench.advance(secs(wait));
        bench.fail(1);
    }
    bench.breaker.close(bench.now);
    bench.fail(2);
    assert_eq!(bench.refused(), secs(1));
}

#[test]
fn it_tells_since_when_and_why_it_is_what_it_is_and_when_it_tries_again() {
    let mut bench = Bench::brittle();
    let metrics = bench.breaker.metrics(bench.now);
    assert_eq!(
        (metrics.since, metrics.reason, metrics.trial_at),
        (None, None, None)
    );
    bench.advance(Duration::from_secs(3));
    bench.fail(2);
    let opened = bench.now;
    bench.advance(Duration::from_secs(1));
    let metrics = bench.breaker.metrics(bench.now);
    assert_eq!(metrics.since, Some(opened));
    assert_eq!(metrics.reason, Some(Reason::ConsecutiveFailures));
    assert_eq!(metrics.trial_at, Some(opened + Duration::from_secs(5)));
    bench.advance(Duration::from_secs(4));
    let metrics = bench.breaker.metrics(bench.now);
    assert_eq!(
        (metrics.state, metrics.since, metrics.trial_at),
        (State::HalfOpen, None, None),
        "no call has noticed it yet"
    );
    bench.fail(1);
    let metrics = bench.breaker.metrics(bench.now);
    assert_eq!(
        (metrics.state, metrics.since),
        (State::Open, Some(bench.now))
    );
    assert_eq!(
        metrics.unwell_since,
        Some(opened),
        "it never was well between"
    );
    bench.breaker.close(bench.now);
    assert_eq!(bench.breaker.metrics(bench.now).unwell_since, None);
}

#[test]
fn an_open_breaker_shows_the_buckets_that_opened_it() {
    let mut bench = Bench::brittle();
    bench.succeed(3);
    bench.advance(Duration::from_secs(2));
    bench.fail(2);
    bench.advance(Duration::from_secs(1));
    let buckets = bench.breaker.buckets(bench.now);
    let seen: Vec<_> = buckets.iter().map(|one| (one.ok, one.failed)).collect();
    assert_eq!(seen, [(3, 0), (0, 0), (0, 2)]);
    bench.breaker.close(bench.now);
    let buckets = bench.breaker.buckets(bench.now);
    assert!(buckets.iter().all(|one| one.total() == 0), "begun anew");
}
