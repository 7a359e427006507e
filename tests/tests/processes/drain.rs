//! SIGTERM while requests are under way.

use std::thread;

use msa_tests::{Process, http, until};
use serde_json::json;
use std::time::Duration;

use crate::upstream::Upstream;

const RESERVED: &str = r#"{"id":"r","lines":[{"sku":"a","name":"A","quantity":1,"price_minor":100,"currency":"EUR"}]}"#;

#[test]
fn requests_that_are_under_way_are_answered_before_the_end() {
    let product = Upstream::start(RESERVED);
    let dir = tempfile::tempdir().unwrap();
    let mut service = Process::builder("order-service")
        .unwrap()
        .dir(dir.path())
        .env(
            "MSA_CLIENTS__PRODUCT_SERVICE__ENDPOINTS",
            format!("http://{}", product.addr),
        )
        .env("MSA_CLIENTS__PRODUCT_SERVICE__ATTEMPT_TIMEOUT", "20s")
        .env("MSA_CLIENTS__PRODUCT_SERVICE__TIMEOUT", "20s")
        .spawn()
        .unwrap();
    let addr = service.wait_ready().unwrap();

    let orders: Vec<_> = (0..20)
        .map(|n| {
            let body = json!({"user": {"id": n}, "items": [{"sku": "a", "quantity": 1}]});
            let request =
                http::post(addr, "/orders", &body).header("idempotency-key", format!("k{n}"));
            thread::spawn(move || request.send().unwrap())
        })
        .collect();
    product.wait_for(20);
    service.terminate().unwrap();
    let draining = until(Duration::from_secs(20), || {
        service
            .log()
            .find(|line| line.is("msa::lifecycle", "draining"))
    });
    draining.unwrap();
    assert!(service.is_running());
    product.open();
    for order in orders {
        let answer = order.join().unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    service.wait_drained().unwrap();
}

#[test]
fn during_the_lag_everything_is_answered_and_a_second_signal_ends_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = Process::builder("product-service")
        .unwrap()
        .dir(dir.path())
        .env("MSA_SERVER__DRAIN__LAG", "1h")
        .spawn()
        .unwrap();
    let addr = service.wait_ready().unwrap();
    service.terminate().unwrap();
    let unready = until(Duration::from_secs(20), || {
        let probe = http::get(addr, "/readyz").send().ok()?;
        (probe.status == 503).then_some(())
    });
    unready.unwrap();
    let answer = http::get(addr, "/products").send().unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("x-msa-draining").is_some(),
        "{:?}",
        answer.headers
    );
    assert_eq!(http::get(addr, "/livez").send().unwrap().status, 200);
    service.terminate().unwrap();
    let status = service.wait_exit().unwrap();
    assert!(!status.success(), "it was not drained: {status}");
    assert!(http::get(addr, "/products").send().is_err(), "it has left");
}
