//! A transaction through five processes, one of them killed mid-way, explained by the management listener alone.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use msa_tests::{Cluster, Error, http, until};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::order;

const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps everybody else from writing to a database until it is dropped.
async fn lock(file: &std::path::Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    let mut lock = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut lock)
        .await
        .unwrap();
    lock
}

/// The calls of an entry to a service.
fn calls<'e>(entry: &'e Value, service: &str) -> Vec<&'e Value> {
    let calls = entry["calls"].as_array().map(Vec::as_slice);
    let calls = calls.unwrap_or_default().iter();
    calls.filter(|call| call["service"] == service).collect()
}

/// What the called process knows of a call's attempt.
fn served(call: &Value, attempt: usize) -> &Value {
    &call["attempts"][attempt]["served"]
}

fn explained(admin: SocketAddr, gtxid: &str) -> Result<Value, Error> {
    let found = http::get(admin, format!("/txn/{gtxid}?scope=all")).send()?;
    Ok(found.json()["entries"][0].clone())
}

#[test]
fn one_question_explains_an_order_whose_third_hop_was_killed() {
    let mut cluster = Cluster::builder()
        .env("product-service", "MSA_DATABASE__BUSY_TIMEOUT", "20s")
        .env("order-service", "MSA_CLIENT__ATTEMPT_TIMEOUT", "20s")
        .env("order-service", "MSA_CLIENT__TIMEOUT", "25s")
        .env("order-orchestrator", "MSA_CLIENT__ATTEMPT_TIMEOUT", "25s")
        .env("order-orchestrator", "MSA_CLIENT__TIMEOUT", "28s")
        .start()
        .unwrap();
    let admin = cluster
        .process("order-orchestrator")
        .unwrap()
        .wait_admin()
        .unwrap();
    let (addr, gtxid) = (
        cluster.addr("order-orchestrator").unwrap(),
        "killed-mid-way",
    );

    // Services tell each other where they can be asked by their answers.
    let first = cluster.place_order(&order(1, "MUG-BLUE", 1), &[]).unwrap();
    assert_eq!(first.status, 201, "{}", first.text());

    // product-service may read and not write: it gets as far as the reservation, and waits there.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lock = runtime.block_on(lock(&cluster.dir().join("product-service.db")));
    let placed = thread::spawn(move || {
        let request = http::post(addr, "/orders", &order(1, "MUG-BLUE", 1));
        let request = request
            .header("x-gtxid", gtxid)
            .header("idempotency-key", "k");
        request.send().unwrap()
    });

    // While it waits, the journal shows how far it has come: to a third process that has not answered.
    let running = until(PATIENCE, || {
        let entry = explained(admin, gtxid).ok()?;
        let order = served(calls(&entry, "order-service").first()?, 0).clone();
        let reservation = served(calls(&order, "product-service").first()?, 0).clone();
        (reservation["route"] == "/reservations").then_some((entry, reservation))
    });
    let (entry, reservation) = running.expect("the order never came to product-service");
    assert!(
        entry["status"].is_null() && reservation["ms"].is_null(),
        "{entry:#}"
    );

    let process = cluster.process("product-service").unwrap();
    process.kill().unwrap();
    process.wait_exit().unwrap();
    let answer = placed.join().unwrap();
    assert!(matches!(answer.status, 502..=504), "{}", answer.text());
    drop(lock);

    let entry = explained(admin, gtxid).unwrap();
    assert_eq!(entry["status"], answer.status, "{entry:#}");
    assert_eq!(entry["service"], "order-orchestrator");
    // Two others did their part.
    for service in ["user-service", "banner-service"] {
        let call = calls(&entry, service)[0];
        let there = served(call, 0);
        assert_eq!(there["service"], service, "{entry:#}");
        assert_eq!(
            (&there["status"], &there["ltxid"]),
            (&call["status"], &2.into())
        );
    }
    // One did what it could, and tells whom it waited for, what came of it, and what it did about that.
    let order = served(calls(&entry, "order-service")[0], 0);
    assert_eq!(order["branch"], calls(&entry, "order-service")[0]["branch"]);
    let reservation = calls(order, "product-service")[0];
    let attempts = reservation["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["failed"], "reset", "{entry:#}");
    assert_eq!(attempts[1]["failed"], "connect", "{entry:#}");
    let decisions = reservation["decisions"].as_array().unwrap();
    assert_eq!(decisions[0]["what"], "retried", "{entry:#}");
    // The one that was killed tells nothing, and that is told.
    for attempt in attempts {
        let unknown = attempt["unknown"].as_str().unwrap();
        assert!(unknown.contains("does not answer"), "{unknown}");
    }
    let lookup = calls(&entry, "product-service")[0];
    assert_eq!(
        lookup["status"], 200,
        "it lived when it was asked for the product"
    );
    assert!(lookup["attempts"][0]["unknown"].is_string());

    // The same for people.
    let path = format!("/txn/{gtxid}?scope=all&format=text");
    let text = http::get(admin, path).send().unwrap().text();
    println!("{text}");
    for line in [
        "calls product-service: POST /reservations -> connect",
        "-> reset",
        "* retried as attempt 2",
        "? the process does not tell",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}
