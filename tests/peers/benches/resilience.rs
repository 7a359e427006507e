//! One call through a circuit breaker that is closed: asking for the permit and telling a success, beside the peers', alone and with
//! a second thread at the same breaker; and the same of a retry budget, a concurrency limit, a bulkhead, and a pipeline of five. The time is per call and thread, of the median burst of
//! 1,000 calls, each thread on a processor of its own.
//!
//! `cargo bench --manifest-path tests/peers/Cargo.toml --bench resilience`

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use futures_util::FutureExt as _;
use msa_core::clock;
use msa_core::config::Span;
use msa_core::resilience::breaker::{Breaker, BreakerConfig, Judge};
use msa_core::resilience::budget::WindowBudget;
use msa_core::resilience::bulkhead::{Bulkhead, BulkheadConfig};
use msa_core::resilience::limit::{LimitConfig, Limiter};
use msa_core::resilience::policy::Policy;
use msa_core::resilience::retry::Retry;
use msa_core::resilience::throttle::{Throttle, ThrottleConfig};
use msa_core::resilience::window::Window;
use msa_core::txn::Criticality::Default as Usual;
use recloser::Recloser;
use rustix::thread::{CpuSet, sched_setaffinity};
use tower::{Layer as _, Service as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

/// One thread's share of the work: so many calls.
type Calls = Box<dyn FnMut(u64) + Send>;

/// Calls between two meetings of the threads: so few that a burst is rarely interrupted.
const BURST: u64 = 1_000;

/// Lets threads begin together, all of them running: it spins.
#[derive(Default)]
struct Meeting(AtomicUsize);

impl Meeting {
    fn wait(&self, round: usize, threads: usize) {
        self.0.fetch_add(1, Ordering::AcqRel);
        while self.0.load(Ordering::Acquire) < (round + 1) * threads {
            std::hint::spin_loop();
        }
    }
}

/// When each burst of a thread began and ended.
fn bursts(
    work: &mut Calls,
    rounds: usize,
    meeting: &Meeting,
    threads: usize,
) -> Vec<(Instant, Instant)> {
    (0..rounds)
        .map(|round| {
            meeting.wait(round, threads);
            let start = Instant::now();
            work(BURST);
            (start, Instant::now())
        })
        .collect()
}

/// The median time of a burst, of those rounds that all threads began together: when a busy machine had taken one of them off its
/// processor in between, the round tells nothing of contention.
fn median(rounds: &[Vec<(Instant, Instant)>]) -> Duration {
    let mut took = Vec::new();
    for round in 0..rounds[0].len() {
        let each = || rounds.iter().map(|thread| thread[round]);
        let first = each().map(|(start, _)| start).min().unwrap();
        let last = each().map(|(start, _)| start).max().unwrap();
        if each().all(|(start, end)| last - first <= (end - start) / 10) {
            took.extend(each().map(|(start, end)| end - start));
        }
    }
    took.sort_unstable();
    assert!(
        !took.is_empty(),
        "the threads never began together: too busy a machine"
    );
    took[took.len() / 2]
}

fn measure(criterion: &mut Criterion, name: &str, make: impl Fn() -> Box<dyn Fn() -> Calls>) {
    measure_in(criterion, "breaker", name, make);
}

fn measure_in(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    make: impl Fn() -> Box<dyn Fn() -> Calls>,
) {
    let mut group = criterion.benchmark_group(group);
    group
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for threads in [1_usize, 2] {
        let worker = make();
        group.bench_function(BenchmarkId::new(name, threads), |bencher| {
            bencher.iter_custom(|calls| {
                let meeting = Arc::new(Meeting::default());
                let rounds = usize::try_from(calls.div_ceil(BURST).clamp(100, 300)).unwrap();
                let handles: Vec<_> = (0..threads)
                    .map(|thread| {
                        let (meeting, mut work) = (Arc::clone(&meeting), worker());
                        std::thread::spawn(move || {
                            let mut own = CpuSet::new();
                            own.set(thread);
                            sched_setaffinity(None, &own).unwrap();
                            bursts(&mut work, rounds, &meeting, threads)
                        })
                    })
                    .collect();
                let rounds: Vec<_> = handles
                    .into_iter()
                    .map(|handle| handle.join().unwrap())
                    .collect();
                median(&rounds).mul_f64(calls as f64 / BURST as f64)
            });
        });
    }
    group.finish();
}

fn ours(
    config: fn() -> BreakerConfig,
    clock_each_call: bool,
) -> impl Fn() -> Box<dyn Fn() -> Calls> {
    move || {
        let breaker = Arc::new(Breaker::seeded(config(), 1));
        let start = clock::now();
        Box::new(move || {
            let breaker = Arc::clone(&breaker);
            Box::new(move |calls| {
                for call in 0..calls {
                    // A call a microsecond, so that buckets turn too.
                    let now = if clock_each_call {
                        clock::now()
                    } else {
                        start + Duration::from_micros(call)
                    };
                    let permit = breaker.try_acquire(black_box(now)).unwrap();
                    black_box(permit.success(black_box(now)));
                }
            })
        })
    }
}

fn breakers(criterion: &mut Criterion) {
    measure(
        criterion,
        "msa, time window",
        ours(BreakerConfig::default, false),
    );
    measure(
        criterion,
        "msa, time window and slow calls",
        ours(
            || {
                let mut config = BreakerConfig::default();
                config.slow_after = Some(Duration::from_secs(1));
                config.slow_rate = Some(msa_core::config::Percent::new(50));
                config
            },
            false,
        ),
    );
    measure(
        criterion,
        "msa, time window, judged with every call",
        ours(
            || {
                let mut config = BreakerConfig::default();
                config.judge = Judge::AnyCall;
                config
            },
            false,
        ),
    );
    measure(
        criterion,
        "msa, count window",
        ours(
            || {
                let mut config = BreakerConfig::default();
                config.window = Window::Count { size: 100 };
                config
            },
            false,
        ),
    );
    measure(
        criterion,
        "msa, time window, with a clock reading",
        ours(BreakerConfig::default, true),
    );
    measure(criterion, "msa, throttle", || {
        let throttle = Arc::new(Throttle::seeded(ThrottleConfig::default(), 1));
        let start = clock::now();
        Box::new(move || {
            let throttle = Arc::clone(&throttle);
            Box::new(move |calls| {
                for call in 0..calls {
                    let now = start + Duration::from_micros(call);
                    let permit = throttle.try_acquire(black_box(now)).unwrap();
                    permit.accepted(black_box(now));
                }
            })
        })
    });
    measure(criterion, "recloser, 100 calls", || {
        let breaker = Arc::new(Recloser::custom().error_rate(0.5).closed_len(100).build());
        Box::new(move || {
            let breaker = Arc::clone(&breaker);
            Box::new(move |calls| {
                for call in 0..calls {
                    let _ = black_box(breaker.call(|| Ok::<_, ()>(black_box(call))));
                }
            })
        })
    });
    measure(criterion, "failsafe, failures in a row", || {
        let policy =
            failure_policy::consecutive_failures(5, backoff::constant(Duration::from_secs(5)));
        let breaker = failsafe::Config::new().failure_policy(policy).build();
        Box::new(move || {
            let breaker = breaker.clone();
            Box::new(move |calls| {
                for call in 0..calls {
                    let _ = black_box(breaker.call(|| Ok::<_, ()>(black_box(call))));
                }
            })
        })
    });
    measure(criterion, "failsafe, rate", || {
        let policy = failure_policy::success_rate_over_time_window(
            0.5,
            20,
            Duration::from_secs(10),
            backoff::constant(Duration::from_secs(5)),
        );
        let breaker = failsafe::Config::new().failure_policy(policy).build();
        Box::new(move || {
            let breaker = breaker.clone();
            Box::new(move |calls| {
                for call in 0..calls {
                    let _ = black_box(breaker.call(|| Ok::<_, ()>(black_box(call))));
                }
            })
        })
    });
    // Its time window keeps every call of the window and goes through all of them with each call: tens of microseconds here.
    measure(criterion, "tower-resilience, 100 calls", || {
        let layer = CircuitBreakerLayer::builder()
            .failure_rate_threshold(0.5)
            .sliding_window_type(SlidingWindowType::CountBased)
            .sliding_window_size(100)
            .minimum_number_of_calls(20)
            .build()
            .unwrap();
        let echo = service_fn(|call: u64| std::future::ready(Ok::<_, Infallible>(call)));
        let service = layer.layer(echo);
        Box::new(move || {
            let mut service = service.clone();
            Box::new(move |calls| {
                for call in 0..calls {
                    // Its lock is tokio's: a second thread may have to wait for it.
                    let mut called = std::pin::pin!(service.call(call));
                    while called.as_mut().now_or_never().is_none() {
                        std::hint::spin_loop();
                    }
                }
            })
        })
    });
}

/// Calls of one policy that all threads share; told how long after the first each begins.
fn shared<P: Send + Sync + 'static>(
    make: impl Fn() -> P,
    call: impl Fn(&P, Duration) + Copy + Send + 'static,
) -> Box<dyn Fn() -> Calls> {
    let policy = Arc::new(make());
    Box::new(move || {
        let policy = Arc::clone(&policy);
        Box::new(move |calls| {
            for number in 0..calls {
                call(&policy, Duration::from_micros(number));
            }
        })
    })
}

fn others(criterion: &mut Criterion) {
    let start = clock::now();
    measure_in(criterion, "others", "budget, deposit and withdraw", || {
        let make = || {
            let budget = WindowBudget::default();
            (0..1_000).for_each(|_| budget.deposit(start));
            budget
        };
        shared(make, move |budget, since| {
            budget.deposit(black_box(start + since));
            black_box(budget.try_withdraw(black_box(start + since)));
        })
    });
    measure_in(criterion, "others", "limit, acquire and succeed", || {
        let make = || Limiter::new(&LimitConfig::default(), 1, start);
        shared(make, move |limiter, since| {
            let permit = limiter
                .try_acquire(Usual, black_box(start + since))
                .unwrap();
            black_box(permit.success(black_box(start + since)));
        })
    });
    measure_in(criterion, "others", "bulkhead, acquire and release", || {
        let make = || Bulkhead::new(BulkheadConfig::default());
        shared(make, |bulkhead, _| {
            drop(black_box(black_box(bulkhead).try_acquire()));
        })
    });
    measure_in(criterion, "others", "pipeline of five", || {
        let make = || {
            let policy = Policy::builder("five")
                .timeout(Span::secs(1))
                .bulkhead(Bulkhead::new(BulkheadConfig::default()))
                .retry(Retry::default())
                .breaker(Breaker::default())
                .attempt_timeout(Span::millis(300));
            policy.build().unwrap()
        };
        shared(make, |policy, _| {
            let call = policy.call(|| ready(Ok::<_, Infallible>(black_box(7_u64))));
            black_box(call.now_or_never()).unwrap().unwrap();
        })
    });
}

criterion_group!(benches, breakers, others);
criterion_main!(benches);
