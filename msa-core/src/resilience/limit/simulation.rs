//! The limiter against models of a server.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
use crate::clock;
use crate::txn::Criticality;

/// A server with so many workers, each busy with a request for `work`, and with more to do than it can: all that the limit
/// lets in is in flight, and Little's law gives the latency. One window after the other, each a little off; every limit.
fn saturate(
    estimator: &mut dyn Estimator,
    workers: u32,
    work: Duration,
    windows: u32,
    seed: u64,
) -> Vec<u32> {
    let mut chance = SmallRng::seed_from_u64(seed);
    let mut window = || {
        let limit = estimator.limit();
        let wait = (f64::from(limit) / f64::from(workers)).max(1.0);
        let rtt = work.mul_f64(wait * chance.random_range(0.95..1.05));
        estimator.update(&Sample::new(rtt, limit, false))
    };
    (0..windows).map(|_| window()).collect()
}

const WORK: Duration = Duration::from_millis(10);

#[test]
fn netflixs_gradient2_drifts_to_its_maximum_under_lasting_load_and_ours_does_not() {
    for seed in 0..10 {
        let run = |config| {
            *saturate(&mut Gradient::new(config, seed), 20, WORK, 3600, seed)
                .last()
                .unwrap()
        };
        let gradient2 = GradientConfig {
            max: 1000,
            ..GradientConfig::gradient2()
        };
        assert_eq!(run(gradient2), 1000);
        // The step alone is not what drifts: a baseline that learns under load does.
        let growth = Growth::WithoutQueue;
        assert_eq!(
            run(GradientConfig {
                growth,
                ..gradient2
            }),
            1000
        );
        let ours = run(GradientConfig::default());
        assert!((15..=40).contains(&ours), "seed {seed}: {ours}");
    }
}

#[test]
fn the_limit_finds_what_the_server_can_hold_from_wherever_it_begins() {
    for (workers, initial) in [
        (20, 20),
        (200, 20),
        (10, 100),
        (10, 1000),
        (100, 5),
        (2, 20),
    ] {
        for seed in 0..10 {
            let config = GradientConfig {
                initial,
                min: 1,
                ..GradientConfig::default()
            };
            let limits = saturate(&mut Gradient::new(config, seed), workers, WORK, 400, seed);
            let mut settled: Vec<u32> = limits[200..].to_vec();
            settled.sort_unstable();
            let (middle, high) = (settled[100], settled[199]);
            let sound = workers..=2 * workers + 4;
            assert!(
                sound.contains(&middle),
                "{workers} workers from {initial}: {middle}"
            );
            assert!(
                high <= 3 * workers + 4,
                "{workers} workers from {initial}: up to {high}"
            );
        }
    }
}

#[test]
fn work_that_became_slower_is_not_taken_for_a_queue_for_long() {
    for seed in 0..10 {
        let mut gradient = Gradient::new(GradientConfig::default(), seed);
        saturate(&mut gradient, 100, WORK, 200, seed);
        let limits = saturate(&mut gradient, 100, WORK * 3, 100, seed);
        let starved = limits.iter().filter(|limit| **limit < 50).count();
        assert!(
            starved <= 4,
            "seed {seed}: {starved} windows below half of the workers"
        );
        assert!(limits[20..].iter().filter(|limit| **limit >= 100).count() >= 68);
    }
}

#[derive(Debug, Default)]
struct Tally {
    /// Share of what the workers could have done that was answered in time.
    goodput: f64,
    p99: Duration,
}

const WORKERS: u32 = 10;
const TARGET: Duration = Duration::from_millis(100);
const SECONDS: u32 = 6;

/// Ten workers, 10 ms a request on average, and so many times the requests that they can do, for six seconds; the last
/// three count. The shipped limiter on the paused clock.
async fn overload(limiter: Option<Limiter>, factor: u32, seed: u64) -> Tally {
    let mut chance = SmallRng::seed_from_u64(seed);
    let workers = Arc::new(Semaphore::new(WORKERS as usize));
    let (start, capacity) = (clock::now(), WORKERS * 100);
    let end = start + Duration::from_secs(SECONDS.into());
    let mut requests = JoinSet::new();
    let mut at = start;
    while at < end {
        let gap = -chance.random_range(f64::MIN_POSITIVE..1.0).ln();
        at += Duration::from_secs_f64(gap / f64::from(capacity * factor));
        let work = Duration::from_millis(chance.random_range(5..=15));
        let (limiter, workers) = (limiter.clone(), workers.clone());
        tokio::time::sleep_until(at).await;
        requests.spawn(async move {
            let began = clock::now();
            let permit = match &limiter {
                Some(limiter) => Some(limiter.acquire(Criticality::Default, began).await.ok()?),
                None => None,
            };
            let worker = workers.acquire().await.ok()?;
            tokio::time::sleep(work).await;
            drop(worker);
            let now = clock::now();
            permit.map(|permit| permit.success(now));
            Some((now, now - began))
        });
    }
    let half = Duration::from_secs((SECONDS / 2).into());
    let mut latencies = Vec::new();
    while let Ok(Some(request)) = tokio::time::timeout_at(end, requests.join_next()).await {
        if let Some((_, latency)) = request.unwrap().filter(|(ended, _)| *ended >= start + half) {
            latencies.push(latency);
        }
    }
    latencies.sort_unstable();
    let good = latencies
        .iter()
        .filter(|latency| **latency <= TARGET)
        .count();
    Tally {
        goodput: good as f64 / (f64::from(capacity) * half.as_secs_f64()),
        p99: latencies
            .get(latencies.len() * 99 / 100)
            .copied()
            .unwrap_or_default(),
    }
}

#[tokio::test(start_paused = true)]
async fn under_overload_the_limit_keeps_the_goodput_that_is_lost_without_it() {
    for (factor, aim) in [(2, 0.95), (5, 0.90), (10, 0.80)] {
        let limited = |config: LimitConfig| Some(Limiter::new(&config, 1, clock::now()));
        let ours = overload(limited(LimitConfig::default()), factor, 7).await;
        assert!(ours.goodput >= aim, "{factor} times: {ours:?}");
        assert!(ours.p99 <= TARGET * 2, "{factor} times: {ours:?}");
        let wide = overload(limited(LimitConfig::fixed(1000)), factor, 7).await;
        assert!(
            wide.goodput < 0.05,
            "a fixed limit far too high, {factor} times: {wide:?}"
        );
        let none = overload(None, factor, 7).await;
        assert!(none.goodput < 0.05, "no limit, {factor} times: {none:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_overload_nobody_is_turned_away() {
    let limiter = Limiter::new(&LimitConfig::default(), 1, clock::now());
    // 0.8 of what ten workers can do.
    let workers = Arc::new(Semaphore::new(WORKERS as usize));
    let mut chance = SmallRng::seed_from_u64(3);
    let mut requests = JoinSet::new();
    for _ in 0..4000 {
        let gap = -chance.random_range(f64::MIN_POSITIVE..1.0).ln();
        tokio::time::sleep(Duration::from_secs_f64(gap / 800.0)).await;
        let work = Duration::from_millis(chance.random_range(5..=15));
        let (limiter, workers) = (limiter.clone(), workers.clone());
        requests.spawn(async move {
            let permit = limiter.acquire(Criticality::Default, clock::now()).await?;
            let _worker = workers.acquire().await;
            tokio::time::sleep(work).await;
            permit.success(clock::now());
            Ok::<_, Overloaded>(())
        });
    }
    let ends = requests.join_all().await;
    let refused = ends.iter().filter(|end| end.is_err()).count();
    assert_eq!(refused, 0, "{limiter:?}");
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}
