//! Hedges in their faces, on a paused clock.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use msa_core::clock;
use msa_core::config::Percent;
use msa_core::event::{Event, Observer, Observers};
use msa_core::resilience::budget::{Budget, WindowBudget, WindowConfig};
use msa_core::resilience::hedge::{Hedge, HedgeLayer};
use msa_core::txn::{self, Txn};
use tower::{Layer, ServiceExt, service_fn};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Counts the attempts that start, and those that are dropped before their end.
#[derive(Default)]
struct Attempts {
    started: AtomicU32,
    dropped: AtomicU32,
}

struct Running<'a>(&'a Attempts, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Attempts {
    async fn run<T>(&self, time: Duration, result: T) -> T {
        self.started.fetch_add(1, Ordering::Relaxed);
        let mut running = Running(self, false);
        tokio::time::sleep(time).await;
        running.1 = true;
        result
    }

    fn seen(&self) -> (u32, u32) {
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        (of(&self.started), of(&self.dropped))
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Hedged {
            attempt,
            after,
            dark,
            ..
        } = event
        {
            let line = format!("{attempt} after {} ms, dark {dark}", after.as_millis());
            self.0.lock().unwrap().push(line);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_losers_are_cancelled() {
    let told = Arc::new(Told::default());
    let observers = Observers::none().with(told.clone());
    let (hedge, attempts) = (Hedge::after(ms(20)).max_extra(2), Attempts::default());
    let start = clock::now();
    let answer = hedge
        .around("stock")
        .observers(&observers)
        .run(|attempt| {
            let time = if attempt == 2 { ms(50) } else { ms(5000) };
            attempts.run(time, Ok::<_, ()>(attempt))
        })
        .await;
    assert_eq!((answer, clock::since(start)), (Ok(2), ms(70)));
    assert_eq!(attempts.seen(), (3, 2));
    assert_eq!(
        *told.0.lock().unwrap(),
        ["2 after 20 ms, dark false", "3 after 40 ms, dark false"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_quick_answer_is_not_hedged() {
    let (hedge, attempts) = (Hedge::after(ms(20)), Attempts::default());
    let answer = hedge
        .around("stock")
        .run(|attempt| attempts.run(ms(19), Ok::<_, ()>(attempt)))
        .await;
    assert_eq!((answer, attempts.seen()), (Ok(1), (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_the_attempts_that_still_run() {
    let (hedge, attempts) = (Hedge::after(ms(20)), Attempts::default());
    let around = |first: Result<u32, &'static str>, second| {
        let (hedge, attempts) = (&hedge, &attempts);
        async move {
            let run = |attempt| match attempt {
                1 => attempts.run(ms(30), first),
                _ => attempts.run(ms(30), second),
            };
            hedge.around("stock").run(run).await
        }
    };
    assert_eq!(around(Err("broken"), Ok(2)).await, Ok(2));
    assert_eq!(around(Err("broken"), Err("last")).await, Err("last"));
    assert_eq!(around(Ok(1), Err("never seen")).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_nothing_starts_both_and_counts_each_once() {
    let (hedge, attempts) = (Hedge::after(ms(0)), Attempts::default());
    let answer = hedge
        .around("stock")
        .run(|attempt| {
            let result = if attempt == 1 { Err("broken") } else { Ok(2) };
            attempts.run(ms(u64::from(attempt)), result)
        })
        .await;
    assert_eq!((answer, attempts.seen()), (Ok(2), (2, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_slow_as_a_whole_gets_little_more_than_its_load() {
    let config = WindowConfig::default()
        .ratio(Percent::new(5))
        .min_per_second(0);
    let budget = Budget::Window(WindowBudget::new(config));
    let hedge = Hedge::after(ms(20)).budget(budget);
    let attempts = Attempts::default();
    for _ in 0..200 {
        let run = |_| attempts.run(ms(40), Ok::<_, ()>(()));
        hedge.around("stock").run(run).await.unwrap();
    }
    assert_eq!(attempts.seen().0, 210);
}

#[tokio::test(start_paused = true)]
async fn a_tower_stack_hedges_what_is_idempotent_and_pays_from_the_transaction() {
    for (method, attempts, left) in [("GET", 2, 1), ("POST", 1, 2)] {
        let seen = Arc::new(Attempts::default());
        let slow = {
            let seen = seen.clone();
            service_fn(move |_: Request<()>| {
                let seen = seen.clone();
                async move {
                    let time = if seen.seen().0 == 0 { ms(500) } else { ms(10) };
                    seen.run(time, Ok::<_, Infallible>(Response::new(()))).await
                }
            })
        };
        let service = HedgeLayer::new("user-service", Hedge::after(ms(20))).layer(slow);
        let request = Request::builder().method(method).body(()).unwrap();
        let txn = Txn::begin();
        let call = txn::scope(txn.clone(), async { service.oneshot(request).await });
        call.await.unwrap();
        assert_eq!(seen.seen().0, attempts, "{method}");
        assert_eq!(txn.retries_left(), left, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn dark_it_reports_and_starts_nothing() {
    let told = Arc::new(Told::default());
    let observers = Observers::none().with(told.clone());
    let (hedge, attempts) = (Hedge::after(ms(20)).dark(true), Attempts::default());
    let run = |_| attempts.run(ms(50), Ok::<_, ()>(()));
    let around = hedge.around("stock").observers(&observers);
    around.run(run).await.unwrap();
    assert_eq!(attempts.seen(), (1, 0));
    assert_eq!(*told.0.lock().unwrap(), ["2 after 20 ms, dark true"]);
}
