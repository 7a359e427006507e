//! A chain of calls that does not end.

use msa_tests::{Cluster, http};

use crate::order;

#[test]
fn the_33rd_hop_is_refused_with_a_problem() {
    let cluster = Cluster::start().unwrap();
    let addr = cluster.addr("user-service").unwrap();
    for (ltxid, status) in [("32", 200), ("33", 508), ("18446744073709551616", 508)] {
        let request = http::get(addr, "/users/1")
            .header("x-gtxid", "looping")
            .header("x-ltxid", ltxid);
        let answer = request.send().unwrap();
        assert_eq!(answer.status, status, "hop {ltxid}: {}", answer.text());
        assert_eq!(answer.is_problem(), status == 508);
        assert_eq!(answer.header("x-gtxid"), Some("looping"));
    }
}

#[test]
fn a_loop_that_is_refused_below_is_not_taken_for_an_outage_above() {
    let cluster = Cluster::start().unwrap();
    let headers = [("x-gtxid", "looping"), ("x-ltxid", "32")];
    let answer = cluster
        .place_order(&order(1, "MUG-BLUE", 1), &headers)
        .unwrap();
    assert_eq!(answer.status, 508, "{}", answer.text());
    assert!(answer.is_problem());
}
