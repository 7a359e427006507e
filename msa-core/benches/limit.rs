//! Instructions that a concurrency limit costs a request. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench limit`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use msa_core::clock::{self, Instant};
use msa_core::resilience::limit::codel::{Push, Queue};
use msa_core::resilience::limit::{LimitConfig, Limiter, Permit, QueueConfig};
use msa_core::txn::Criticality::Default as Usual;

fn limiter() -> (Limiter, Instant) {
    let now = clock::now();
    let limiter = Limiter::new(&LimitConfig::default(), 1, now);
    limiter.try_acquire(Usual, now).unwrap().success(now);
    (limiter, now)
}

fn full() -> (Limiter, Instant, Permit) {
    let now = clock::now();
    let limiter = Limiter::new(&LimitConfig::fixed(1), 1, now);
    let permit = limiter.try_acquire(Usual, now).unwrap();
    (limiter, now, permit)
}

#[library_benchmark]
#[bench::free(limiter())]
fn acquire_and_succeed((limiter, now): (Limiter, Instant)) -> (Limiter, Instant) {
    let permit = limiter.try_acquire(black_box(Usual), now).unwrap();
    black_box(permit.success(now));
    (limiter, now)
}

#[library_benchmark]
#[bench::free(limiter())]
fn acquire_and_drop((limiter, now): (Limiter, Instant)) -> (Limiter, Instant) {
    drop(black_box(limiter.try_acquire(black_box(Usual), now)));
    (limiter, now)
}

#[library_benchmark]
#[bench::full(full())]
fn refuse((limiter, now, permit): (Limiter, Instant, Permit)) -> (Limiter, Permit) {
    drop(black_box(limiter.try_acquire(black_box(Usual), now)));
    (limiter, permit)
}

fn queue() -> (Queue<u32>, Instant) {
    let now = clock::now();
    let mut queue = Queue::new(QueueConfig::default());
    for who in 0..50 {
        assert!(matches!(queue.push(now, Usual, who), Push::Queued { .. }));
    }
    (queue, now)
}

#[library_benchmark]
#[bench::fifty_wait(queue())]
fn push_and_pop((mut queue, now): (Queue<u32>, Instant)) -> Queue<u32> {
    let _ = black_box(queue.push(now, black_box(Usual), 50));
    black_box(queue.pop(black_box(Usual)));
    queue
}

library_benchmark_group!(
    name = limit,
    benchmarks = [acquire_and_succeed, acquire_and_drop, refuse, push_and_pop]
);
main!(library_benchmark_groups = limit);
