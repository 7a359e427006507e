//! Instructions that metrics cost a request and a call. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench metrics`

#![allow(missing_docs, unused_qualifications)] // a benchmark's macros and set-up

use std::hint::black_box;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use http::{Method, StatusCode};
use msa_core::clock::{self, Instant};
use msa_core::config::MetricsSettings;
use msa_core::event::{Event, Observer as _, Outcome};
use msa_core::telemetry::metrics::{Format, Metrics};
use msa_core::txn::Txn;

const SERVICE: &str = "stock-service";
const ROUTE: &str = "/orders/{id}";

fn endpoint(number: usize) -> String {
    format!("10.0.0.{number}:8080")
}

fn request(metrics: &Metrics, txn: &Txn, now: Instant) {
    let mut active = metrics.begin(&Method::GET, ROUTE, Some(0), now);
    active.answer(StatusCode::OK, Some(200), txn, now);
}

fn picked(metrics: &Metrics, endpoint: &str) {
    metrics.on_event(&Event::Picked {
        service: SERVICE,
        endpoint,
        attempt: 1,
    });
}

fn attempt(metrics: &Metrics, endpoint: &str) {
    metrics.on_event(&Event::AttemptEnded {
        service: SERVICE,
        endpoint,
        attempt: 1,
        method: "GET",
        outcome: Outcome::Status(200),
        elapsed: Duration::from_millis(3),
    });
}

fn call(metrics: &Metrics) {
    metrics.on_event(&Event::CallEnded {
        service: SERVICE,
        attempts: 1,
        outcome: Outcome::Status(200),
        elapsed: Duration::from_millis(3),
    });
}

/// Metrics that have seen calls to so many endpoints.
fn used(endpoints: usize) -> (Metrics, String, Instant) {
    let now = clock::now();
    let metrics = Metrics::new(&MetricsSettings::default(), now);
    let txn = Txn::begin();
    for number in 0..endpoints {
        let endpoint = endpoint(number);
        request(&metrics, &txn, now);
        picked(&metrics, &endpoint);
        attempt(&metrics, &endpoint);
        call(&metrics);
    }
    (metrics, endpoint(endpoints / 2), now)
}

#[library_benchmark]
#[bench::inbound(used(3))]
fn a_request((metrics, endpoint, now): (Metrics, String, Instant)) -> (Metrics, String) {
    request(&metrics, black_box(&Txn::begin()), black_box(now));
    (metrics, endpoint)
}

#[library_benchmark]
#[bench::of_3_endpoints(used(3))]
#[bench::of_300_endpoints(used(300))]
fn a_call((metrics, endpoint, _): (Metrics, String, Instant)) -> (Metrics, String) {
    picked(&metrics, black_box(&endpoint));
    attempt(&metrics, black_box(&endpoint));
    call(&metrics);
    (metrics, endpoint)
}

#[library_benchmark]
#[bench::of_3_endpoints(used(3))]
#[bench::of_300_endpoints(used(300))]
fn a_scrape((metrics, endpoint, now): (Metrics, String, Instant)) -> (Metrics, String, String) {
    let text = metrics.render(Format::OpenMetrics, black_box(now));
    (metrics, endpoint, text)
}

library_benchmark_group!(name = metrics, benchmarks = [a_request, a_call, a_scrape]);
main!(library_benchmark_groups = metrics);
