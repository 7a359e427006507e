//! Instructions that retry budgets and hedges cost a call. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench budget`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::hint::black_box;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use msa_core::clock::{self, Instant};
use msa_core::config::Percent;
use msa_core::resilience::budget::WindowBudget;
use msa_core::resilience::hedge::Digest;
use msa_core::resilience::retry::{Answer, Backoff, Circumstances, Decision, Ending, Retry};

fn budget() -> (WindowBudget, Instant) {
    let (budget, now) = (WindowBudget::default(), clock::now());
    budget.deposit(now);
    (budget, now + Duration::from_millis(10))
}

#[library_benchmark]
#[bench::same_slot(budget())]
fn deposit((budget, now): (WindowBudget, Instant)) -> WindowBudget {
    budget.deposit(black_box(now));
    budget
}

#[library_benchmark]
#[bench::same_slot(budget())]
fn deposit_and_withdraw((budget, now): (WindowBudget, Instant)) -> (WindowBudget, bool) {
    budget.deposit(black_box(now));
    let granted = budget.try_withdraw(black_box(now)).is_some();
    (budget, granted)
}

fn retry() -> (Retry, Instant) {
    let (retry, now) = (Retry::default().backoff(Backoff::default()), clock::now());
    drop(retry.begin(now));
    (retry, now + Duration::from_millis(10))
}

#[library_benchmark]
#[bench::good(retry())]
fn call_without_retry((retry, now): (Retry, Instant)) -> (Retry, Decision) {
    let mut call = retry.begin(black_box(now));
    let decision = call.after(black_box(&Ending::Good), &Circumstances::default(), || now);
    drop(call);
    (retry, decision)
}

#[library_benchmark]
#[bench::busy(retry())]
fn call_with_one_retry((retry, now): (Retry, Instant)) -> (Retry, Decision) {
    let (busy, about) = (Ending::from(Answer::status(503)), Circumstances::default());
    let mut call = retry.begin(black_box(now));
    let _decided = black_box(call.after(black_box(&busy), &about, || now));
    call.started();
    let decision = call.after(black_box(&Ending::Good), &about, || now);
    drop(call);
    (retry, decision)
}

fn digest() -> (Digest, Instant) {
    let (digest, now) = (Digest::new(Percent::new(95)), clock::now());
    for n in 0..1000 {
        digest.record(Duration::from_micros(n), now);
    }
    (digest, now)
}

#[library_benchmark]
#[bench::warm(digest())]
fn digest_record((digest, now): (Digest, Instant)) -> Digest {
    digest.record(black_box(Duration::from_micros(730)), black_box(now));
    digest
}

library_benchmark_group!(
    name = retries,
    benchmarks = [
        deposit,
        deposit_and_withdraw,
        call_without_retry,
        call_with_one_retry,
        digest_record
    ]
);
main!(library_benchmark_groups = retries);
