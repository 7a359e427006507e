//! SIGTERM while requests are under way.

use std::thread;

use msa_tests::{Cluster, Process, http, until};
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
    assert!(
        service
            .log()
            .find(|line| line.is("msa::lifecycle", "drained"))
            .is_some()
    );
}

#[test]
fn during_the_lag_everything_is_answered_and_readiness_says_no() {
    let mut cluster = Cluster::builder()
        .env("user-service", "MSA_SERVER__DRAIN__LAG", "3s")
        .start()
        .unwrap();
    let addr = cluster.addr("user-service").unwrap();
    cluster
        .process("user-service")
        .unwrap()
        .terminate()
        .unwrap();
    let unready = until(Duration::from_secs(2), || {
        let probe = http::get(addr, "/readyz").send().ok()?;
        (probe.status == 503).then_some(())
    });
    unready.unwrap();
    let answer = http::get(addr, "/users/1").send().unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("x-msa-draining").is_some(),
        "{:?}",
        answer.headers
    );
    assert_eq!(http::get(addr, "/livez").send().unwrap().status, 200);
    cluster
        .process("user-service")
        .unwrap()
        .wait_drained()
        .unwrap();
    assert!(http::get(addr, "/users/1").send().is_err(), "it has left");
}
