//! A service that is not there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use msa_tests::{Cluster, Process, http, until};
use serde_json::json;

use crate::order;
use crate::upstream::Upstream;

fn end(cluster: &mut Cluster, service: &str) {
    let process = cluster.process(service).unwrap();
    process.kill().unwrap();
    process.wait_exit().unwrap();
}

#[test]
fn a_missing_service_is_named_with_503() {
    for service in ["user-service", "product-service", "order-service"] {
        let mut cluster = Cluster::start().unwrap();
        end(&mut cluster, service);
        let answer = cluster.place_order(&order(1, "MUG-BLUE", 1), &[]).unwrap();
        assert_eq!(
            (answer.status, answer.is_problem()),
            (503, true),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains(service), "{}", answer.text());
        cluster.restart(service).unwrap();
        let answer = cluster.place_order(&order(1, "MUG-BLUE", 1), &[]).unwrap();
        assert_eq!(answer.status, 201, "{service} is back: {}", answer.text());
    }
}

#[test]
fn an_order_goes_through_without_its_banner() {
    let mut cluster = Cluster::start().unwrap();
    let with = cluster
        .place_order(&order(1, "MUG-BLUE", 1), &[])
        .unwrap()
        .json();
    assert!(with["banner"].is_object(), "{with}");
    end(&mut cluster, "banner-service");
    let without = cluster.place_order(&order(1, "MUG-BLUE", 1), &[]).unwrap();
    assert_eq!(without.status, 201, "{}", without.text());
    assert!(without.json()["banner"].is_null());
}

/// Whatever product-service's crash leaves half done, trying again with the same keys ends in one order for each key.
#[test]
fn a_crash_under_load_loses_no_order_and_no_stock() {
    let mut cluster = Cluster::start().unwrap();
    let products = cluster.addr("product-service").unwrap();
    let stock = || {
        let product = http::get(products, "/products/BOOK-RUST").send().unwrap();
        product.json()["stock"].as_i64().unwrap()
    };
    let before = stock();
    let addr = cluster.addr("order-orchestrator").unwrap();
    let place = move |key: String| {
        let request = http::post(addr, "/orders", &order(1, "BOOK-RUST", 1));
        request.header("idempotency-key", key).send().unwrap()
    };
    let failed = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|lane| {
            let failed = Arc::clone(&failed);
            thread::spawn(move || {
                let mut tried = Vec::new();
                while !failed.load(Ordering::Relaxed) {
                    let key = format!("{lane}-{}", tried.len());
                    let status = place(key.clone()).status;
                    if status != 201 {
                        failed.store(true, Ordering::Relaxed);
                    }
                    tried.push((status, key));
                }
                tried
            })
        })
        .collect();
    until(Duration::from_secs(20), || {
        (stock() < before - 20).then_some(())
    })
    .unwrap();
    end(&mut cluster, "product-service");
    let tried: Vec<_> = load
        .into_iter()
        .flat_map(|lane| lane.join().unwrap())
        .collect();
    for (status, key) in &tried {
        assert!(matches!(status, 201 | 502 | 503 | 504), "{key}: {status}");
    }
    cluster.restart("product-service").unwrap();

    let keys = tried.len();
    let mut orders = BTreeMap::new();
    for (_, key) in tried {
        // The breaker in front of what was away lets a trial through after a while.
        let placed = until(Duration::from_secs(30), || {
            let answer = place(key.clone());
            (answer.status == 201).then_some(answer)
        });
        let answer = placed.unwrap_or_else(|| panic!("{key}: {}", place(key.clone()).text()));
        orders.insert(answer.json()["id"].as_str().unwrap().to_owned(), key);
    }
    assert_eq!(orders.len(), keys, "one order for each key");
    assert_eq!(
        stock(),
        before - i64::try_from(keys).unwrap(),
        "and its stock once"
    );
}

/// order-service dies while it waits for its reservation. Nobody tries again; what may be reserved is given back.
#[test]
fn stock_of_an_order_that_nobody_ends_is_released() {
    let product = Upstream::start(r#"{"id":"r","lines":[]}"#);
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let builder = Process::builder("order-service").unwrap().dir(dir.path());
        builder
            .env(
                "MSA_CLIENTS__PRODUCT_SERVICE__ENDPOINTS",
                format!("http://{}", product.addr),
            )
            .env("MSA_ORDER__LEASE", "100ms")
            .env("MSA_ORDER__ABANDON_AFTER", "0s")
            .env("MSA_ORDER__SWEEP_INTERVAL", "50ms")
            .spawn()
            .unwrap()
    };
    let mut service = start();
    let addr = service.wait_ready().unwrap();
    let body = json!({"user": {"id": 1}, "items": [{"sku": "a", "quantity": 1}]});
    let request = http::post(addr, "/orders", &body).header("idempotency-key", "k");
    let cut_off = thread::spawn(move || request.send());
    product.wait_for(1);
    service.kill().unwrap();
    service.wait_exit().unwrap();
    assert!(cut_off.join().unwrap().is_err());
    product.open();

    let _again = start();
    product.wait_for(2);
    let requests = product.requests();
    assert_eq!(requests[0], "POST /reservations HTTP/1.1");
    assert!(
        requests[1].starts_with("DELETE /reservations/"),
        "{requests:?}"
    );
}
