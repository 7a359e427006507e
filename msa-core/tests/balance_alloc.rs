//! What a choice allocates: nothing.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use msa_core::balance::outlier::Outliers;
use msa_core::balance::{self, Answer, Balancer, Fleet, LoadReport, Measures, PickHint, Watch};
use msa_core::clock;
use msa_core::config::{BalanceSettings, BalancerName, OutlierSettings};
use msa_core::discovery::Endpoint;
use msa_core::event::Observers;

const ALL: [BalancerName; 8] = [
    BalancerName::P2cEwma,
    BalancerName::LeastRequest,
    BalancerName::RoundRobin,
    BalancerName::Weighted,
    BalancerName::Random,
    BalancerName::RingHash,
    BalancerName::Maglev,
    BalancerName::Prequal,
];

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn a_pick_and_its_end_allocate_nothing() {
    for name in ALL {
        for n in [1_u32, 3, 1000] {
            let now = clock::now();
            let balancer = balance::build(name, &BalanceSettings::default(), 7, now);
            let set = (0..n)
                .map(|n| {
                    let endpoint: Endpoint = format!("http://10.0.0.1:{}", n + 1).parse().unwrap();
                    endpoint.with_weight(100 + n % 3)
                })
                .collect();
            balancer.update(&set, now);
            let avoid: Vec<Endpoint> = set.iter().take(1).cloned().collect();
            // arc-swap sets its debt list up once a thread.
            drop(balancer.pick(&PickHint::default(), now));
            let told = measure(|| one_of_each_end(&*balancer, &avoid));
            assert_eq!(told.count_total, 0, "{name:?} of {n}");
        }
    }
}

fn one_of_each_end(balancer: &dyn Balancer, avoid: &[Endpoint]) {
    for (step, answer) in (0..20).zip([Answer::Success, Answer::GatewayFailure].iter().cycle()) {
        let now = clock::now() + Duration::from_millis(step);
        let hint = PickHint::avoiding(if step % 3 == 0 { avoid } else { &[] });
        let mut complete = balancer.pick(&hint, now).unwrap();
        let mut failed = balancer.pick(&hint, now).unwrap();
        let cancelled = balancer.pick(&hint, now).unwrap();
        let later = now + Duration::from_millis(3);
        complete.report(
            LoadReport::new(step as u32, Duration::from_millis(step)),
            later,
        );
        complete.headers(*answer, later);
        complete.complete(later);
        failed.headers(Answer::Success, later);
        failed.body_failed(later);
        drop(cancelled);
    }
}

#[test]
fn outlier_detection_allocates_nothing_until_it_has_something_to_tell() {
    let now = clock::now();
    let settings = OutlierSettings::default();
    let outliers = Outliers::new("users", (&settings).into(), Observers::none(), 7, now);
    let watch: Arc<dyn Watch> = Arc::new(outliers);
    let fleet = Arc::new(Fleet::with(Measures::default(), None, [watch]));
    let settings = BalanceSettings::default();
    let balancer = balance::build_on(fleet, BalancerName::P2cEwma, &settings, 7, now);
    let set = ["http://10.0.0.1:80", "http://10.0.0.2:80"];
    let set = set.iter().map(|url| url.parse::<Endpoint>().unwrap());
    balancer.update(&set.collect(), now);
    drop(balancer.pick(&PickHint::default(), now));
    let told = measure(|| {
        for answer in [Answer::Success, Answer::Failure].iter().cycle().take(60) {
            let mut pick = balancer.pick(&PickHint::default(), now).unwrap();
            pick.headers(*answer, now);
            pick.complete(now);
        }
    });
    assert_eq!(told.count_total, 0);
}
