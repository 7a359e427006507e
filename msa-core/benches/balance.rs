//! Instructions of a pick and its end. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench balance`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use msa_core::balance::{self, Answer, Balancer, PickHint};
use msa_core::clock::{self, Instant};
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::discovery::Endpoint;

struct Warm {
    balancer: Arc<dyn Balancer>,
    now: Instant,
}

/// A balancer over n endpoints, each of which has answered.
fn warm(name: BalancerName, n: u32) -> Warm {
    let now = clock::now();
    let balancer = balance::build(name, &BalanceSettings::default(), 7, now);
    let set = (0..n)
        .map(|n| {
            format!("http://10.0.0.1:{}", n + 1)
                .parse::<Endpoint>()
                .unwrap()
        })
        .collect();
    balancer.update(&set, now);
    for _ in 0..4 * n {
        one(&*balancer, now);
    }
    Warm { balancer, now }
}

fn one(balancer: &dyn Balancer, now: Instant) {
    let mut pick = balancer.pick(black_box(&PickHint::default()), now).unwrap();
    pick.headers(Answer::Success, now + Duration::from_millis(1));
    pick.complete(now + Duration::from_millis(2));
}

#[library_benchmark]
#[bench::p2c_ewma_3(warm(BalancerName::P2cEwma, 3))]
#[bench::p2c_ewma_100(warm(BalancerName::P2cEwma, 100))]
#[bench::p2c_ewma_10000(warm(BalancerName::P2cEwma, 10_000))]
#[bench::least_request_3(warm(BalancerName::LeastRequest, 3))]
#[bench::least_request_100(warm(BalancerName::LeastRequest, 100))]
#[bench::least_request_10000(warm(BalancerName::LeastRequest, 10_000))]
#[bench::round_robin_3(warm(BalancerName::RoundRobin, 3))]
#[bench::round_robin_100(warm(BalancerName::RoundRobin, 100))]
#[bench::round_robin_10000(warm(BalancerName::RoundRobin, 10_000))]
#[bench::weighted_3(warm(BalancerName::Weighted, 3))]
#[bench::weighted_100(warm(BalancerName::Weighted, 100))]
#[bench::weighted_10000(warm(BalancerName::Weighted, 10_000))]
#[bench::random_3(warm(BalancerName::Random, 3))]
#[bench::random_100(warm(BalancerName::Random, 100))]
#[bench::random_10000(warm(BalancerName::Random, 10_000))]
#[bench::ring_hash_3(warm(BalancerName::RingHash, 3))]
#[bench::ring_hash_100(warm(BalancerName::RingHash, 100))]
#[bench::ring_hash_10000(warm(BalancerName::RingHash, 10_000))]
#[bench::maglev_3(warm(BalancerName::Maglev, 3))]
#[bench::maglev_100(warm(BalancerName::Maglev, 100))]
#[bench::maglev_10000(warm(BalancerName::Maglev, 10_000))]
#[bench::prequal_3(warm(BalancerName::Prequal, 3))]
#[bench::prequal_100(warm(BalancerName::Prequal, 100))]
#[bench::prequal_10000(warm(BalancerName::Prequal, 10_000))]
fn pick(warm: Warm) -> Warm {
    one(&*warm.balancer, warm.now + Duration::from_millis(3));
    warm
}

library_benchmark_group!(name = picks, benchmarks = [pick]);
main!(library_benchmark_groups = picks);
