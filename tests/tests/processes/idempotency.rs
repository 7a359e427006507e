//! One key, one order.

use std::collections::BTreeSet;
use std::thread;

use msa_tests::http::Response;
use msa_tests::{Cluster, http};
use serde_json::{Value, json};

use crate::order;

fn stock(cluster: &Cluster, sku: &str) -> i64 {
    let addr = cluster.addr("product-service").unwrap();
    let answer = http::get(addr, format!("/products/{sku}")).send().unwrap();
    answer.json()["stock"].as_i64().unwrap()
}

fn place(cluster: &Cluster, key: &str, order: &Value) -> Response {
    cluster
        .place_order(order, &[("idempotency-key", key)])
        .unwrap()
}

#[test]
fn a_hundred_at_the_same_time_are_one_order_and_one_answer() {
    let cluster = Cluster::start().unwrap();
    let before = stock(&cluster, "MUG-BLUE");
    let answers: Vec<Response> = thread::scope(|scope| {
        let order = order(1, "MUG-BLUE", 2);
        let placing: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn({
                    let (cluster, order) = (&cluster, order.clone());
                    move || place(cluster, "one", &order)
                })
            })
            .collect();
        placing
            .into_iter()
            .map(|place| place.join().unwrap())
            .collect()
    });
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201; 100]);
    let bodies: BTreeSet<_> = answers.iter().map(Response::text).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let replayed = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed") == Some("true"));
    assert_eq!(replayed.count(), 99);
    assert_eq!(stock(&cluster, "MUG-BLUE"), before - 2);
}

#[test]
fn the_answer_is_kept_over_a_crash() {
    let mut cluster = Cluster::start().unwrap();
    let first = place(&cluster, "kept", &order(1, "MUG-BLUE", 1));
    assert_eq!(first.status, 201, "{}", first.text());
    for service in ["order-service", "product-service"] {
        let process = cluster.process(service).unwrap();
        process.kill().unwrap();
        process.wait_exit().unwrap();
        cluster.restart(service).unwrap();
    }
    let again = place(&cluster, "kept", &order(1, "MUG-BLUE", 1));
    assert_eq!((again.status, again.text()), (201, first.text()));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let orchestrator = cluster.addr("order-orchestrator").unwrap();
    let found = http::get(orchestrator, format!("/orders/{id}"))
        .send()
        .unwrap();
    assert_eq!(found.json(), first.json());
}

#[test]
fn a_refusal_is_an_answer_too() {
    let cluster = Cluster::start().unwrap();
    let first = place(&cluster, "no", &order(1, "LAMP-DESK", 4));
    assert_eq!(
        (first.status, first.is_problem()),
        (409, true),
        "{}",
        first.text()
    );
    assert_eq!(
        first.json()["short"],
        json!([{"sku": "LAMP-DESK", "requested": 4, "available": 3}])
    );
    let again = place(&cluster, "no", &order(1, "LAMP-DESK", 4));
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["short"], first.json()["short"]);
}

#[test]
fn a_key_is_not_for_two_requests() {
    let cluster = Cluster::start().unwrap();
    assert_eq!(place(&cluster, "k", &order(1, "MUG-BLUE", 1)).status, 201);
    for other in [
        order(2, "MUG-BLUE", 1),
        order(1, "MUG-BLUE", 2),
        order(1, "TEE-M", 1),
    ] {
        let answer = place(&cluster, "k", &other);
        assert_eq!(
            (answer.status, answer.is_problem()),
            (422, true),
            "{}",
            answer.text()
        );
    }
    // How the items are listed is not what is ordered.
    let listed = |a: &str, b: &str| json!({"user_id": 1, "items": [{"sku": a, "quantity": 1}, {"product_id": b, "quantity": 1}]});
    let first = place(&cluster, "l", &listed("TEE-M", "MUG-BLUE"));
    let again = place(&cluster, "l", &listed("MUG-BLUE", "TEE-M"));
    assert_eq!((first.status, again.text()), (201, first.text()));
}

#[test]
fn without_a_key_each_request_is_an_order_but_each_retry_of_one_is_not() {
    let cluster = Cluster::start().unwrap();
    let place = |headers: &[(&str, &str)]| {
        let answer = cluster
            .place_order(&order(1, "MUG-BLUE", 1), headers)
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    assert_ne!(place(&[]), place(&[]));
    let retry = [
        ("x-gtxid", "t"),
        ("x-ltxid", "2"),
        ("x-txn-branch", "1.1"),
        ("x-txn-attempt", "2"),
    ];
    assert_eq!(place(&retry[..3]), place(&retry));
    assert_ne!(
        place(&retry),
        place(&[("x-gtxid", "t"), ("x-ltxid", "2"), ("x-txn-branch", "1.2")])
    );
}

#[test]
fn stock_of_an_order_that_is_refused_after_all_is_given_back() {
    let cluster = Cluster::builder()
        .env("order-service", "MSA_ORDER__MAX_TOTAL_MINOR", "1000")
        .start()
        .unwrap();
    let before = stock(&cluster, "MUG-BLUE");
    let answer = place(&cluster, "dear", &order(1, "MUG-BLUE", 1));
    assert_eq!(
        (answer.status, answer.is_problem()),
        (422, true),
        "{}",
        answer.text()
    );
    assert_eq!(stock(&cluster, "MUG-BLUE"), before);
}
