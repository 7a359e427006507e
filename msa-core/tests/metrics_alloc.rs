//! Counting a request, a call and a decision allocates nothing once its labels have been seen.

use std::time::Duration;

use http::{Method, StatusCode};
use msa_core::clock;
use msa_core::config::MetricsSettings;
use msa_core::event::{Event, Observer as _, Outcome, RetryRefusal};
use msa_core::telemetry::metrics::Metrics;
use msa_core::txn::Txn;

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn what_was_seen_before_is_counted_without_an_allocation() {
    let now = clock::now();
    let metrics = Metrics::new(&MetricsSettings::default(), now);
    let txn = Txn::begin();
    let (service, endpoint) = ("stock", "10.0.0.1:8080");
    let events = [
        Event::Picked {
            service,
            endpoint,
            attempt: 1,
        },
        Event::AttemptEnded {
            service,
            endpoint,
            attempt: 1,
            method: "GET",
            outcome: Outcome::Status(503),
            elapsed: Duration::from_millis(3),
        },
        Event::Retried {
            service,
            attempt: 2,
            reason: "503",
            delay: Duration::from_millis(3),
            dark: false,
        },
        Event::AttemptEnded {
            service,
            endpoint,
            attempt: 2,
            method: "GET",
            outcome: Outcome::Failed("connect"),
            elapsed: Duration::from_millis(3),
        },
        Event::RetryRefused {
            service,
            attempt: 2,
            why: RetryRefusal::Budget,
        },
        Event::CallEnded {
            service,
            attempts: 2,
            outcome: Outcome::Failed("connect"),
            elapsed: Duration::from_millis(9),
        },
    ];
    let requests = |times: u32| {
        for n in 0..times {
            // Far enough apart for a new example each time.
            let now = now + Duration::from_secs(2) * n;
            let mut active = metrics.begin(&Method::GET, "/orders/{id}", Some(100), now);
            active.answer(StatusCode::OK, Some(2_000), &txn, now);
            drop(metrics.begin(&Method::GET, "/orders/{id}", None, now));
            for event in &events {
                metrics.on_event(event);
            }
        }
    };
    assert!(
        allocations(|| requests(1)) > 0,
        "the first sight of a label allocates"
    );
    assert_eq!(allocations(|| requests(1_000)), 0);
}
