use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tower::{Layer as _, Service as _, service_fn};

use super::super::{Breaker, BreakerConfig, BreakerError, BreakerLayer, Outcome, State};
use super::secs;
use crate::balance::Gate;
use crate::clock;
use crate::event::{Event, Observer, Observers};

fn breaker() -> Arc<Breaker> {
    let config = BreakerConfig {
        consecutive_failures: Some(2),
        ..BreakerConfig::default()
    };
    Arc::new(Breaker::seeded(config, 1))
}

/// Waits so many times before it fails or succeeds.
async fn work((waits, ok): (usize, bool)) -> Result<(), &'static str> {
    for _ in 0..waits {
        tokio::task::yield_now().await;
    }
    if ok { Ok(()) } else { Err("down") }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let text = match event {
            Event::BreakerChanged { to, dark, .. } => format!("{to} {dark}"),
            Event::Refused { policy, dark, .. } => format!("refused by {policy} {dark}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_point_leaves_half_open_as_it_was() {
    let breaker = breaker();
    breaker.half_open(clock::now());
    let layer = BreakerLayer::new(breaker.clone());
    let mut service = layer.layer(service_fn(work));
    for polls in 0..6 {
        for _ in 0..5 {
            let mut call = Box::pin(service.call((8, true)));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                assert!(call.as_mut().poll(&mut cx).is_pending());
            }
            drop(call);
        }
        assert_eq!(breaker.last_state(), State::HalfOpen, "after {polls} polls");
    }
    for _ in 0..3 {
        service.call((1, true)).await.unwrap();
    }
    assert_eq!(breaker.last_state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_layer_refuses_what_the_breaker_refuses_and_tells_of_it() {
    let heard = Arc::new(Heard::default());
    let observers = Observers::none().with(heard.clone());
    let layer = BreakerLayer::new(breaker()).observed("stock", observers);
    let mut service = layer.layer(service_fn(work));
    for _ in 0..2 {
        assert_eq!(
            service.call((0, false)).await,
            Err(BreakerError::Inner("down"))
        );
    }
    let Err(BreakerError::Open(open)) = service.call((0, true)).await else {
        panic!("the third call was made");
    };
    assert_eq!(open.state, State::Open);
    tokio::time::advance(open.retry_after).await;
    for _ in 0..3 {
        service.call((0, true)).await.unwrap();
    }
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "open false",
            "refused by circuit_breaker false",
            "half_open false",
            "closed false"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_dark_breaker_decides_and_tells_but_every_call_is_made() {
    let heard = Arc::new(Heard::default());
    let observers = Observers::none().with(heard.clone());
    let layer = BreakerLayer::new(breaker())
        .observed("stock", observers)
        .dark(true);
    let mut service = layer.layer(service_fn(work));
    for _ in 0..2 {
        service.call((0, false)).await.unwrap_err();
    }
    service.call((0, true)).await.unwrap();
    assert_eq!(
        *heard.0.lock().unwrap(),
        ["open true", "refused by circuit_breaker true"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_classifier_sees_answer_error_and_time() {
    let breaker = breaker();
    let layer = BreakerLayer::new(breaker.clone()).classify(
        |result: Result<&(), &&str>, elapsed: std::time::Duration| match result {
            Ok(()) if elapsed >= secs(1) => Outcome::Failure,
            Ok(()) => Outcome::Success,
            Err(_) => Outcome::Ignored,
        },
    );
    let mut service = layer.layer(service_fn(|wait: u64| async move {
        tokio::time::sleep(secs(wait)).await;
        if wait == 3 { Err("ours") } else { Ok(()) }
    }));
    for wait in [1, 3, 1] {
        let mut call = pin!(service.call(wait));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(call.as_mut().poll(&mut cx), Poll::Pending));
        tokio::time::advance(secs(wait)).await;
        let _ = call.await; // what it returns is not what this is about
    }
    assert_eq!(breaker.last_state(), State::Open);
    assert_eq!(breaker.metrics(clock::now()).counts.failed, 2);
}

#[test]
fn a_balancer_sees_the_gate_close_and_the_client_finds_its_breaker_behind_it() {
    let breaker = breaker();
    let gate: Arc<dyn Gate> = Arc::new(breaker.clone());
    let now = clock::now();
    assert!(gate.would_admit(now));
    breaker.open(now);
    assert!(!gate.would_admit(now));
    let gate: &dyn std::any::Any = &*gate;
    let found = gate.downcast_ref::<Arc<Breaker>>().unwrap();
    assert!(Arc::ptr_eq(found, &breaker));
}

#[cfg(feature = "failsafe")]
mod failsafe_edge {
    use std::sync::atomic::{AtomicU32, Ordering};

    use failsafe::{CircuitBreaker as _, FailurePolicy as _, backoff};

    use super::super::super::failsafe::{Failsafe, Listening, WindowPolicy};
    use super::*;

    #[test]
    fn a_failsafe_policy_drives_our_breaker_and_a_backoff_of_its_is_our_open_time() {
        let times = backoff::exponential(secs(10), secs(30));
        let policy = failsafe::failure_policy::consecutive_failures(2, times.clone());
        let breaker = Breaker::default().driven_by(Failsafe(policy));
        let now = clock::now();
        let fail = |now| breaker.try_acquire(now).unwrap().failure(now);
        fail(now);
        breaker.try_acquire(now).unwrap().success(now);
        fail(now);
        assert_eq!(breaker.last_state(), State::Closed);
        fail(now);
        let wait = |now| breaker.try_acquire(now).unwrap_err().retry_after;
        assert_eq!(wait(now), secs(10));
        fail(now + secs(10));
        assert_eq!(wait(now + secs(10)), secs(20));

        let breaker = Breaker::default().with_open_times(times);
        breaker.open(now);
        assert_eq!(breaker.try_acquire(now).unwrap_err().retry_after, secs(10));
    }

    #[test]
    fn our_window_drives_a_state_machine_of_failsafe() {
        let config = BreakerConfig {
            min_calls: 4,
            ..BreakerConfig::default()
        };
        let theirs = failsafe::Config::new()
            .failure_policy(WindowPolicy::new(config.clone(), 1))
            .build();
        for ok in [true, true, false] {
            let _ = theirs.call(|| ok.then_some(()).ok_or("down")); // the outcome is the point, not the value
        }
        assert!(theirs.is_call_permitted());
        let _ = theirs.call(|| Err::<(), _>("down")); // as above
        assert!(!theirs.is_call_permitted());

        let mut policy = WindowPolicy::new(config, 1);
        let now = clock::now();
        for _ in 0..3 {
            assert_eq!(policy.failure_at(now), None);
        }
        assert!(policy.failure_at(now).unwrap() >= secs(5));
        assert!(policy.failure_at(now).unwrap() >= secs(10));
        policy.revived();
        assert_eq!(policy.failure_at(now), None);
    }

    #[derive(Default)]
    struct Counting([AtomicU32; 4]);

    impl failsafe::Instrument for &'static Counting {
        fn on_call_rejected(&self) {
            self.0[0].fetch_add(1, Ordering::Relaxed);
        }
        fn on_open(&self) {
            self.0[1].fetch_add(1, Ordering::Relaxed);
        }
        fn on_half_open(&self) {
            self.0[2].fetch_add(1, Ordering::Relaxed);
        }
        fn on_closed(&self) {
            self.0[3].fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instrument_of_failsafe_hears_our_breaker() {
        let counting: &'static Counting = Box::leak(Box::default());
        let observers = Observers::none().with(Arc::new(Listening(counting)));
        let layer = BreakerLayer::new(breaker()).observed("stock", observers);
        let mut service = layer.layer(service_fn(work));
        for _ in 0..2 {
            service.call((0, false)).await.unwrap_err();
        }
        service.call((0, true)).await.unwrap_err();
        tokio::time::advance(secs(6)).await;
        for _ in 0..3 {
            service.call((0, true)).await.unwrap();
        }
        let counts = counting
            .0
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [1, 1, 1, 1]);
    }
}
