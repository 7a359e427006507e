//! The rules of the limiter and of its faces.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody};
use proptest::prelude::*;
use tokio::sync::Notify;
use tokio::time::advance;
use tower::{ServiceBuilder, ServiceExt as _};

use super::*;
use crate::clock;
use crate::config::LimitSettings;
use crate::event::Observers;
use crate::testing::Recorder;
use crate::txn::{Criticality, Txn, scope};
use Criticality::{Background, Critical, Default as Usual};

const MS: Duration = Duration::from_millis(1);

fn fixed(limit: u32, queue: usize) -> Limiter {
    let config = LimitConfig {
        queue: QueueConfig {
            length: queue,
            ..QueueConfig::default()
        },
        ..LimitConfig::fixed(limit)
    };
    Limiter::new(&config, 1, clock::now())
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_the_limit_and_a_dropped_permit_gives_its_place_back() {
    let (limiter, now) = (fixed(2, 0), clock::now());
    let one = limiter.try_acquire(Usual, now).unwrap();
    let _two = limiter.try_acquire(Usual, now).unwrap();
    let refused = limiter.try_acquire(Usual, now).unwrap_err();
    assert_eq!((refused.reason, refused.limit), (Reason::Limit, 2));
    assert_eq!(
        limiter.acquire(Usual, now).await.unwrap_err().reason,
        Reason::Limit
    );
    drop(one);
    assert_eq!(limiter.in_flight(), 1);
    assert!(limiter.try_acquire(Usual, now).is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_gets_the_place_that_comes_free_and_the_highest_class_first() {
    let limiter = fixed(1, 10);
    let now = clock::now();
    let held = limiter.try_acquire(Usual, now).unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<_> = [Background, Usual, Critical]
        .into_iter()
        .map(|class| {
            let (limiter, order) = (limiter.clone(), order.clone());
            tokio::spawn(async move {
                let permit = limiter.acquire(class, clock::now()).await.unwrap();
                order.lock().unwrap().push(class);
                drop(permit);
            })
        })
        .collect();
    advance(MS).await;
    assert_eq!((limiter.in_flight(), limiter.waiting()), (1, 3));
    // Nobody overtakes those that wait.
    assert!(limiter.try_acquire(Critical, now).is_err());
    held.success(clock::now());
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [Critical, Usual, Background]);
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_too_long_is_turned_away_even_if_nothing_else_happens() {
    let limiter = fixed(1, 10);
    let _held = limiter.try_acquire(Usual, clock::now()).unwrap();
    let began = clock::now();
    let refused = limiter.acquire(Usual, began).await.unwrap_err();
    assert_eq!(refused.reason, Reason::QueueTime);
    assert_eq!(clock::since(began), MS * 100);
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_leaves_the_queue_and_its_place_is_not_lost() {
    let limiter = fixed(1, 1);
    let now = clock::now();
    let held = limiter.try_acquire(Usual, now).unwrap();
    let Admission::Waiting(waiting) = limiter.enter(Usual, now) else {
        panic!("there is a queue");
    };
    assert_eq!(
        limiter.acquire(Usual, now).await.unwrap_err().reason,
        Reason::QueueFull
    );
    drop(waiting);
    assert_eq!(limiter.waiting(), 0);
    // Told of its place, and gone before it looked.
    let Admission::Waiting(waiting) = limiter.enter(Usual, now) else {
        panic!("there is a queue");
    };
    drop(held);
    assert_eq!((limiter.in_flight(), limiter.waiting()), (1, 0));
    drop(waiting);
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_limit_grows_while_it_is_used_and_latency_stands() {
    let limiter = Limiter::new(&LimitConfig::default(), 1, clock::now());
    let round = async |held: u32| {
        let permits: Vec<_> = (0..held)
            .map(|_| limiter.try_acquire(Usual, clock::now()).unwrap())
            .collect();
        advance(MS * 50).await;
        for permit in permits {
            permit.success(clock::now());
        }
    };
    for _ in 0..40 {
        round(5).await;
    }
    assert_eq!(limiter.limit(), 20, "not used, it has no reason to move");
    for _ in 0..8 {
        round(15).await;
    }
    assert!(limiter.limit() > 20, "{}", limiter.limit());
}

#[tokio::test(start_paused = true)]
async fn losses_take_the_limit_down_and_what_is_ignored_does_not() {
    for (lost, expected) in [(true, 18), (false, 20)] {
        let limiter = Limiter::new(&LimitConfig::default(), 1, clock::now());
        for _ in 0..10 {
            let permit = limiter.try_acquire(Usual, clock::now()).unwrap();
            advance(MS * 10).await;
            if lost {
                permit.dropped(clock::now());
            } else {
                permit.ignored(clock::now());
            }
        }
        assert_eq!(limiter.limit(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn changed_settings_keep_what_was_learned_and_let_waiters_in() {
    let limiter = fixed(1, 10);
    let _held = limiter.try_acquire(Usual, clock::now()).unwrap();
    let Admission::Waiting(waiting) = limiter.enter(Usual, clock::now()) else {
        panic!("there is a queue");
    };
    limiter.configure(&LimitConfig::fixed(2), clock::now());
    let _second = waiting.await.unwrap();
    assert_eq!((limiter.limit(), limiter.in_flight()), (2, 2));
    limiter.configure(&LimitConfig::default(), clock::now());
    assert_eq!(limiter.limit(), 5, "from 2, raised to the minimum");
}

#[tokio::test(start_paused = true)]
async fn in_the_dark_nobody_is_turned_away_and_all_is_told() {
    let recorder = Recorder::new();
    let settings = LimitSettings {
        mode: LimitMode::Dark,
        initial: 1,
        min: 1,
        max: 1,
        ..LimitSettings::default()
    };
    let guard = LimitGuard::client("stock", &settings, 1, clock::now())
        .observed_by(Observers::none().with(recorder.clone()));
    let first = guard.acquire(Usual, clock::now()).await.unwrap();
    let second = guard.acquire(Usual, clock::now()).await.unwrap();
    assert_eq!(guard.limiter().in_flight(), 2);
    drop((first, second));
    let told = format!("{:?}", recorder.events());
    assert!(
        told.contains("Refused") && told.contains("dark: true"),
        "{told}"
    );
    assert_eq!(recorder.events().len(), 1);
    guard.configure(LimitMode::Off, &LimitConfig::default(), clock::now());
    assert!(guard.acquire(Usual, clock::now()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_layer_waits_calls_and_measures() {
    let hold = Arc::new(Notify::new());
    let guard = LimitGuard::new("stock", fixed(1, 1), LimitMode::On);
    let service = {
        let hold = hold.clone();
        ServiceBuilder::new()
            .layer(LimitLayer::new(guard.clone()))
            .service_fn(move |n: u32| {
                let hold = hold.clone();
                async move {
                    hold.notified().await;
                    Ok::<_, Infallible>(n)
                }
            })
    };
    let first = tokio::spawn(service.clone().oneshot(1));
    advance(MS).await;
    let second = tokio::spawn(service.clone().oneshot(2));
    advance(MS).await;
    let third = service.clone().oneshot(3).await.unwrap_err();
    assert!(matches!(third, LimitError::Overloaded(error) if error.reason == Reason::QueueFull));
    // What matters more takes the place of what waits.
    let txn = Txn::begin();
    assert_eq!(txn.criticality(), Usual);
    hold.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), 1);
    hold.notify_one();
    assert_eq!(second.await.unwrap().unwrap(), 2);
    let dropped = tokio::spawn(scope(txn, service.oneshot(4)));
    advance(MS).await;
    assert_eq!(guard.limiter().in_flight(), 1);
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    assert_eq!(guard.limiter().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_holds_its_place_until_it_ends_fails_or_is_dropped() {
    let limiter = fixed(10, 0);
    let permit = || limiter.try_acquire(Usual, clock::now()).ok();
    let empty = PermitBody::new(Full::new(Bytes::new()), permit());
    assert_eq!(limiter.in_flight(), 0, "an empty body is over");
    drop(empty);
    let sent = PermitBody::new(Full::new(Bytes::from_static(b"a")), permit());
    assert_eq!(limiter.in_flight(), 1);
    sent.collect().await.unwrap();
    assert_eq!(limiter.in_flight(), 0);
    drop(PermitBody::new(
        Full::new(Bytes::from_static(b"a")),
        permit(),
    ));
    assert_eq!(limiter.in_flight(), 0);
    let broken = StreamBody::new(stream::iter([Err::<http_body::Frame<Bytes>, _>("gone")]));
    let mut broken = PermitBody::new(broken, permit());
    assert_eq!(limiter.in_flight(), 1);
    assert!(broken.frame().await.unwrap().is_err());
    assert_eq!(limiter.in_flight(), 0);
}

proptest! {
    /// Whatever is measured, an algorithm's limit stays within its bounds.
    #[test]
    fn limits_stay_within_their_bounds(
        min in 1u32..50,
        max in 1u32..100,
        samples in proptest::collection::vec((0u64..10_000_000_000, 0u32..200, proptest::bool::weighted(0.1)), 0..300),
    ) {
        let aimd = AimdConfig { min, max, ..AimdConfig::default() };
        let gradient = GradientConfig { min, max, ..GradientConfig::default() };
        let gradient2 = GradientConfig { min, max, ..GradientConfig::gradient2() };
        let vegas = VegasConfig { min, max, ..VegasConfig::default() };
        for algorithm in [
            Algorithm::Aimd(aimd), Algorithm::Gradient(gradient), Algorithm::Gradient(gradient2), Algorithm::Vegas(vegas),
        ] {
            let mut estimator = algorithm.starting_at(20).build(1);
            for (rtt, in_flight, dropped) in &samples {
                let limit = estimator.update(&Sample::new(Duration::from_nanos(*rtt), *in_flight, *dropped));
                // The maximum wins over a minimum above it.
                prop_assert!((min.min(max)..=max).contains(&limit), "{algorithm:?}: {limit}");
            }
        }
    }

    /// Whatever is done in whatever order: the counts are those of the guards that are alive, no more are in flight than the
    /// limit, and nobody waits while there is a place for him.
    #[test]
    fn the_counts_are_those_of_the_guards(
        limit in 1u32..5,
        length in 0usize..4,
        steps in proptest::collection::vec((0u8..4, 0usize..4, 0usize..8), 0..100),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limiter = fixed(limit, length);
            let (mut permits, mut waiting) = (Vec::new(), Vec::new());
            for (step, class, place) in steps {
                let class = shares::CLASSES[class];
                match step {
                    0 | 1 => match limiter.enter(class, clock::now()) {
                        Admission::Admitted(permit) => permits.push(permit),
                        Admission::Waiting(waiter) => waiting.push(waiter),
                        Admission::Refused(_) => {}
                    },
                    2 if !permits.is_empty() => drop(permits.swap_remove(place % permits.len())),
                    3 if !waiting.is_empty() => drop(waiting.swap_remove(place % waiting.len())),
                    _ => advance(MS * 30).await,
                }
                let mut still = Vec::new();
                for mut waiter in waiting {
                    match waiter.poll_unpin(&mut Context::from_waker(Waker::noop())) {
                        std::task::Poll::Ready(Ok(permit)) => permits.push(permit),
                        std::task::Poll::Ready(Err(_)) => {}
                        std::task::Poll::Pending => still.push(waiter),
                    }
                }
                waiting = still;
                prop_assert_eq!(limiter.in_flight() as usize, permits.len());
                prop_assert_eq!(limiter.waiting() as usize, waiting.len());
                prop_assert!(permits.len() <= limit as usize && waiting.len() <= length);
                prop_assert!(waiting.is_empty() || permits.len() == limit as usize);
            }
            drop(waiting);
            drop(permits);
            prop_assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_did_not_change_leave_what_was_learned() {
    let settings = LimitSettings {
        mode: LimitMode::On,
        algorithm: crate::config::LimitAlgorithm::Aimd,
        ..LimitSettings::default()
    };
    let guard = LimitGuard::client("users", &settings, 1, clock::now());
    let learned = LimitConfig::fixed(7);
    guard.limiter().configure(&learned, clock::now());
    guard.configure(LimitMode::Dark, &LimitConfig::from(&settings), clock::now());
    assert_eq!(
        (guard.mode(), guard.limiter().limit()),
        (LimitMode::Dark, 7)
    );
    guard.configure(LimitMode::On, &LimitConfig::fixed(3), clock::now());
    assert_eq!((guard.mode(), guard.limiter().limit()), (LimitMode::On, 3));
}
