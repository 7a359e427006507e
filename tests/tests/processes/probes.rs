//! What an orchestrator asks.

use msa_tests::{Cluster, SERVICES, http};

#[test]
fn every_service_answers_the_three_probes_on_both_listeners() {
    let mut cluster = Cluster::start().unwrap();
    for service in SERVICES {
        let addrs = [
            cluster.addr(service).unwrap(),
            cluster.process(service).unwrap().wait_admin().unwrap(),
        ];
        for addr in addrs {
            for probe in ["/livez", "/readyz", "/startupz"] {
                let answer = http::get(addr, probe).send().unwrap();
                assert_eq!(answer.status, 200, "{service} {probe}: {}", answer.text());
            }
        }
        let verbose = http::get(addrs[1], "/readyz?verbose")
            .send()
            .unwrap()
            .text();
        assert_eq!(
            verbose.contains("database"),
            service != "order-orchestrator",
            "{service}: {verbose}"
        );
    }
}

#[test]
fn liveness_and_readiness_do_not_depend_on_other_services() {
    let mut cluster = Cluster::start().unwrap();
    for service in SERVICES
        .into_iter()
        .filter(|service| *service != "order-orchestrator")
    {
        cluster.process(service).unwrap().kill().unwrap();
        cluster.process(service).unwrap().wait_exit().unwrap();
    }
    let addr = cluster.addr("order-orchestrator").unwrap();
    for probe in ["/livez", "/readyz", "/startupz"] {
        assert_eq!(
            http::get(addr, probe).send().unwrap().status,
            200,
            "{probe}"
        );
    }
}
