//! A pick and its end, beside tower's P2C on peak EWMA and pingora's round robin: one thread, and two that contend.
//!
//! `cargo bench --manifest-path tests/peers/Cargo.toml --bench balance`
//!
//! Each line is the time of one pick with its end, on each thread. tower's balancer is `&mut`, so two threads share it by a mutex; its
//! futures are ready at once and its time is read inside, as it is in use. Ours is told the time, as in our stack, which has
//! it already.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use futures_util::{FutureExt, TryFutureExt};
use msa_core::balance::{self, Answer, Balancer, PickHint};
use msa_core::clock;
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::discovery::Endpoint;
use pingora_load_balancing::LoadBalancer;
use pingora_load_balancing::selection::RoundRobin;
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PeakEwmaDiscover};

const SIZES: [u32; 3] = [3, 100, 10_000];
const OURS: [BalancerName; 5] = [
    BalancerName::P2cEwma,
    BalancerName::LeastRequest,
    BalancerName::RoundRobin,
    BalancerName::Weighted,
    BalancerName::Random,
];

fn main_group(c: &mut Criterion) {
    for n in SIZES {
        let mut group = c.benchmark_group(format!("balance/{n}"));
        for name in OURS {
            let balancer = ours(name, n);
            let now = clock::now();
            let later = now + Duration::from_millis(2);
            both(&mut group, name.as_str(), || {
                let mut pick = balancer.pick(&PickHint::default(), now).expect("endpoints");
                pick.headers(Answer::Success, later);
                pick.complete(later);
                black_box(&pick);
            });
        }
        let tower = Mutex::new(tower(n));
        one(&mut group, "tower p2c peak ewma", {
            let mut tower = tower.lock().expect("one thread");
            move || call(&mut tower)
        });
        two(&mut group, "tower p2c peak ewma, by mutex", &|| {
            call(&mut tower.lock().expect("no panic"));
        });
        let pingora = pingora(n);
        both(&mut group, "pingora round robin", || {
            black_box(pingora.select(b"", 16).expect("endpoints"));
        });
        group.finish();
    }
}

fn both(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, work: impl Fn() + Sync) {
    one(group, name, &work);
    two(group, name, &work);
}

/// How many in a row are timed at once: short beside what a scheduler gives a thread, long beside reading the clock.
const ROW: u32 = 64;

/// When two threads that never meet are given up.
const LONGEST: Duration = Duration::from_millis(200);

/// So that a busy machine does not decide, the time is that of the median row: few are interrupted.
fn one(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut work: impl FnMut()) {
    group.bench_function(format!("{name}/1 thread"), |b| {
        b.iter_custom(|iterations| {
            let rows = iterations.div_ceil(u64::from(ROW));
            let times = (0..rows).map(|_| row(&mut work)).collect();
            median(times) * u32::try_from(iterations).unwrap_or(u32::MAX) / ROW
        });
    });
}

/// Two threads, of which only those rows count during which the other one did about as many: where it did none it was not at work,
/// and where it did very many this one was interrupted.
fn two(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, work: &(impl Fn() + Sync)) {
    group.bench_function(format!("{name}/2 threads"), |b| {
        b.iter_custom(|iterations| {
            let done = [Rows::default(), Rows::default()];
            let enough = AtomicBool::new(false);
            let contended = |own: &Rows, other: &Rows| {
                let (mut times, mut others) = (Vec::new(), Vec::new());
                let begin = Instant::now();
                while !enough.load(Ordering::Relaxed) && begin.elapsed() < LONGEST {
                    let before = other.0.load(Ordering::Relaxed);
                    let time = row(&mut || work());
                    own.0.fetch_add(1, Ordering::Relaxed);
                    match other.0.load(Ordering::Relaxed) - before {
                        1..4 => times.push(time),
                        _ => others.push(time),
                    }
                    // As long as was asked for: by the wall clock criterion finds how many iterations fill a sample.
                    let timed = times.len() as u64 * u64::from(ROW);
                    if times.len() > 200 && timed >= iterations {
                        enough.store(true, Ordering::Relaxed);
                    }
                }
                (times, others)
            };
            let [left, right] = &done;
            let (met, alone) = std::thread::scope(|scope| {
                let thread = scope.spawn(|| contended(left, right));
                let (mut met, mut alone) = contended(right, left);
                let (too, others) = thread.join().expect("no panic");
                met.extend(too);
                alone.extend(others);
                (met, alone)
            });
            // A mutex lets threads take turns of many rows: no two are at work at once, and every row counts.
            let times = if met.is_empty() { alone } else { met };
            median(times) * u32::try_from(iterations).unwrap_or(u32::MAX) / ROW
        });
    });
}

/// Rows done by a thread, on a line of the cache of their own.
#[derive(Default)]
#[repr(align(128))]
struct Rows(AtomicU64);

fn row(work: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..ROW {
        work();
    }
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .expect("the threads met")
}

fn ours(name: BalancerName, n: u32) -> Arc<dyn Balancer> {
    let now = clock::now();
    let balancer = balance::build(name, &BalanceSettings::default(), 7, now);
    let set = (0..n)
        .map(|n| {
            format!("http://10.0.0.1:{}", n + 1)
                .parse::<Endpoint>()
                .expect("a URL")
        })
        .collect();
    balancer.update(&set, now);
    for _ in 0..4 * n {
        let mut pick = balancer.pick(&PickHint::default(), now).expect("endpoints");
        pick.headers(Answer::Success, now + Duration::from_millis(1));
        pick.complete(now + Duration::from_millis(2));
    }
    balancer
}

/// A service that answers at once.
#[derive(Clone)]
struct Instantly;

impl Service<()> for Instantly {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

type Tower = Balance<PeakEwmaDiscover<ServiceList<Vec<Instantly>>>, ()>;

fn tower(n: u32) -> Tower {
    let services = ServiceList::new::<()>(vec![Instantly; n as usize]);
    let discover = PeakEwmaDiscover::new::<()>(
        services,
        Duration::from_millis(30),
        Duration::from_secs(10),
        CompleteOnResponse::default(),
    );
    let mut tower = Balance::new(discover);
    for _ in 0..4 * n {
        call(&mut tower);
    }
    tower
}

fn call(tower: &mut Tower) {
    let mut cx = Context::from_waker(Waker::noop());
    while !matches!(tower.poll_ready(&mut cx), Poll::Ready(Ok(()))) {}
    let answer = tower.call(()).map_err(drop).now_or_never();
    assert_eq!(black_box(answer), Some(Ok(())));
}

fn pingora(n: u32) -> LoadBalancer<RoundRobin> {
    let addresses = (0..n).map(|n| format!("10.0.0.1:{}", n + 1));
    let balancer = LoadBalancer::<RoundRobin>::try_from_iter(addresses).expect("addresses");
    balancer
        .update()
        .now_or_never()
        .expect("a fixed list")
        .expect("a fixed list");
    balancer
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(15)
        .without_plots();
    targets = main_group
}
criterion_main!(benches);
