//! One transaction through all five.

use std::collections::{BTreeMap, BTreeSet};

use msa_tests::{AccessLine, Cluster, SERVICES, http};
use serde_json::json;

use crate::order;

fn two_products() -> serde_json::Value {
    json!({"user_id": 1, "items": [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "BOOK-RUST", "quantity": 1}]})
}

fn hops(calls: &[AccessLine]) -> BTreeMap<&str, BTreeSet<u32>> {
    let mut hops: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for call in calls {
        hops.entry(call.service.as_str())
            .or_default()
            .insert(call.ltxid);
    }
    hops
}

#[test]
fn an_order_is_one_transaction_of_three_hops_in_five_logs() {
    let mut cluster = Cluster::start().unwrap();
    let answer = cluster.place_order(&two_products(), &[]).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let gtxid = answer.header("x-gtxid").unwrap().to_owned();
    assert_eq!(gtxid.len(), 32, "minted");
    cluster.drain().unwrap();

    let calls = cluster.transaction(&gtxid);
    let expected = BTreeMap::from([
        ("banner-service", BTreeSet::from([2])),
        ("order-orchestrator", BTreeSet::from([1])),
        ("order-service", BTreeSet::from([2])),
        ("product-service", BTreeSet::from([2, 3])),
        ("user-service", BTreeSet::from([2])),
    ]);
    assert_eq!(hops(&calls), expected, "{calls:#?}");
    assert_eq!(calls.len(), 7, "{calls:#?}");
    let branches: BTreeSet<_> = calls.iter().map(|call| call.branch.as_str()).collect();
    assert_eq!(
        branches.len(),
        calls.len(),
        "each call has a branch of its own"
    );
    for call in &calls {
        assert_eq!(
            call.branch.split('.').count(),
            call.ltxid as usize,
            "{call:?}"
        );
        if let Some((parent, _)) = call.branch.rsplit_once('.') {
            assert!(branches.contains(parent), "{call:?} has a parent");
        }
    }
    assert_eq!(calls[0].route.as_deref(), Some("/orders"));
}

#[test]
fn a_transaction_that_began_elsewhere_goes_on_where_it_is() {
    let mut cluster = Cluster::start().unwrap();
    let headers = [
        ("x-gtxid", "web.shop-4711"),
        ("x-ltxid", "5"),
        ("x-txn-branch", "1.4.2.1.9"),
    ];
    let answer = cluster.place_order(&two_products(), &headers).unwrap();
    assert_eq!(answer.header("x-gtxid"), Some("web.shop-4711"));
    cluster.drain().unwrap();

    let calls = cluster.transaction("web.shop-4711");
    assert_eq!(calls.len(), 7, "{calls:#?}");
    assert_eq!((calls[0].ltxid, calls[0].branch.as_str()), (5, "1.4.2.1.9"));
    for call in &calls[1..] {
        assert!(call.branch.starts_with("1.4.2.1.9."), "{call:?}");
    }
    assert_eq!(hops(&calls)["product-service"], BTreeSet::from([6, 7]));
}

#[test]
fn concurrent_transactions_keep_apart() {
    let mut cluster = Cluster::start().unwrap();
    let gtxids: BTreeSet<String> = std::thread::scope(|scope| {
        let places: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| cluster.place_order(&order(1, "BOOK-RUST", 1), &[]).unwrap()))
            .collect();
        let answers = places.into_iter().map(|place| place.join().unwrap());
        answers
            .map(|answer| answer.header("x-gtxid").unwrap().to_owned())
            .collect()
    });
    assert_eq!(gtxids.len(), 16);
    cluster.drain().unwrap();
    for gtxid in gtxids {
        let calls = cluster.transaction(&gtxid);
        assert_eq!(calls.len(), 6, "{calls:#?}");
        let branches: BTreeSet<_> = calls.iter().map(|call| &call.branch).collect();
        assert_eq!(branches.len(), 6, "{calls:#?}");
    }
}

#[test]
fn every_response_of_every_service_names_its_transaction() {
    let cluster = Cluster::start().unwrap();
    for service in SERVICES {
        let addr = cluster.addr(service).unwrap();
        for path in [
            "/no/such/route",
            "/orders/none",
            "/users/none",
            "/products/none",
            "/api/slots",
        ] {
            for method in ["GET", "PATCH"] {
                let request = http::Request::new(method, addr, path).header("x-gtxid", "given");
                let answer = request.send().unwrap();
                assert_eq!(
                    answer.header("x-gtxid"),
                    Some("given"),
                    "{service} {method} {path}"
                );
                assert!(
                    answer.status < 500,
                    "{service} {method} {path}: {}",
                    answer.text()
                );
            }
        }
    }
}
