//! What holds whatever happens.

use std::thread;

use proptest::prelude::*;

use super::*;
use crate::balance::outlier::{Consecutive, Rule, SuccessRate};
use crate::config::Percent;

#[derive(Debug, Clone)]
enum Step {
    Answers(usize, usize, Answer),
    Advance(u64),
    Sweep,
    Shut(usize, bool),
    Checked(usize, bool),
}

fn step(hosts: usize) -> impl Strategy<Value = Step> {
    let answer = prop_oneof![
        2 => Just(Answer::Success),
        1 => Just(Answer::Failure),
        3 => Just(Answer::GatewayFailure),
        2 => Just(Answer::LocalFailure),
    ];
    prop_oneof![
        8 => (0..hosts, 1..8_usize, answer).prop_map(|(host, times, answer)| Step::Answers(host, times, answer)),
        3 => (0..60_u64).prop_map(Step::Advance),
        2 => Just(Step::Sweep),
        1 => (0..hosts, any::<bool>()).prop_map(|(host, shut)| Step::Shut(host, shut)),
        1 => (0..hosts, any::<bool>()).prop_map(|(host, well)| Step::Checked(host, well)),
    ]
}

fn config(share: u8) -> OutlierConfig {
    OutlierConfig {
        gateway_failures: Some(Consecutive::new(3)),
        server_errors: Some(Consecutive::new(4)),
        success_rate: Some(SuccessRate {
            min_endpoints: 2,
            min_requests: 5,
            stdev_factor: 0.5,
            ..SuccessRate::default()
        }),
        jitter: 3 * S,
        max_ejected: Percent::new(share),
        ..OutlierConfig::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ejections_keep_to_the_cap_and_everybody_comes_back(
        hosts in 1..12_usize,
        share in 0..=100_u8,
        steps in prop::collection::vec(step(12), 1..80),
    ) {
        let mut rig = Rig::new(hosts, config(share));
        let cap = hosts * usize::from(share) / 100;
        for step in steps {
            let before = rig.ejected();
            match step {
                Step::Answers(host, times, answer) => rig.answers(host % hosts, times, answer),
                Step::Advance(secs) => rig.advance(Duration::from_secs(secs)),
                Step::Sweep => rig.outliers.sweep(rig.now),
                Step::Shut(host, shut) => {
                    rig.doors.shut(host % hosts, shut);
                    rig.outliers.breaker_changed(rig.now);
                }
                Step::Checked(host, well) => {
                    rig.outliers.checked(&super::host(host % hosts), well, S, rig.now);
                }
            }
            let after = rig.ejected();
            prop_assert!(after.len() <= cap, "{after:?} of {hosts} at {share} %");
            let new = after.iter().any(|host| !before.contains(host));
            let out = (0..hosts).filter(|host| {
                let slot = rig.slot(*host);
                !slot.gate_admits(rig.now) || slot.is(Mark::Ejected) || slot.is(Mark::Unhealthy)
            });
            prop_assert!(!new || out.count() <= cap, "the broken and unhealthy count");
        }
        for rule in [Rule::GatewayFailures, Rule::ServerErrors, Rule::LocalFailures, Rule::SuccessRate] {
            let counts = rig.outliers.detector().counts(rule);
            prop_assert!(counts.enforced + counts.overflow <= counts.detected);
        }
        // What was answered so far is judged; then the longest ejection and its jitter pass, and any answer will do.
        rig.outliers.sweep(rig.now);
        rig.advance(303 * S);
        rig.answers(0, 1, Answer::Success);
        prop_assert_eq!(rig.ejected(), NONE);
    }

    #[test]
    fn panic_is_on_exactly_while_less_than_half_are_available(
        hosts in 1..9_usize,
        steps in prop::collection::vec(step(9), 1..40),
    ) {
        let mut rig = Rig::new(hosts, config(50));
        for step in steps {
            match step {
                Step::Answers(host, times, answer) => rig.answers(host % hosts, times, answer),
                Step::Advance(secs) => rig.advance(Duration::from_secs(secs)),
                Step::Sweep => rig.outliers.sweep(rig.now),
                Step::Shut(host, shut) => rig.doors.shut(host % hosts, shut),
                Step::Checked(host, well) => {
                    rig.outliers.checked(&super::host(host % hosts), well, S, rig.now);
                }
            }
            rig.outliers.breaker_changed(rig.now);
            let available = (0..hosts).filter(|host| {
                let slot = rig.slot(*host);
                slot.gate_admits(rig.now) && !slot.is(Mark::Ejected) && !slot.is(Mark::Unhealthy)
            });
            prop_assert_eq!(rig.fleet.in_panic(), 2 * available.count() < hosts);
        }
    }
}

#[test]
fn the_cap_holds_when_all_fail_at_once_on_many_threads() {
    let rig = Rig::new(64, config(50));
    thread::scope(|scope| {
        for offset in 0..4 {
            let rig = &rig;
            scope.spawn(move || {
                for host in 0..64 {
                    rig.answers((host + 16 * offset) % 64, 3, Answer::GatewayFailure);
                    assert!(rig.ejected().len() <= 32);
                }
            });
        }
    });
    assert_eq!(rig.ejected().len(), 32);
}
