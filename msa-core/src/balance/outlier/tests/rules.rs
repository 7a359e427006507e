//! Who is an outlier.

use super::*;
use crate::balance::outlier::{
    AccrualConfig, AccrualPolicy, AccrualRule, Consecutive, Counts, DeadTimes, FailurePercentage,
    LatencyOutlier, Rule,
};
use crate::config::Percent;

fn only(change: impl FnOnce(&mut OutlierConfig)) -> OutlierConfig {
    let mut config = OutlierConfig::off();
    change(&mut config);
    config
}

#[test]
fn five_gateway_failures_in_a_row_eject_for_thirty_seconds() {
    let rig = Rig::new(2, OutlierConfig::default());
    rig.answers(0, 4, Answer::GatewayFailure);
    rig.answers(0, 1, Answer::Success);
    rig.answers(0, 4, Answer::GatewayFailure);
    rig.answers(0, 1, Answer::Failure);
    rig.answers(0, 4, Answer::GatewayFailure);
    assert_eq!(rig.ejected(), NONE);
    rig.answers(0, 1, Answer::GatewayFailure);
    assert_eq!(rig.ejected(), [0]);
    assert_eq!(
        rig.told(),
        ["ejected h0:80 consecutive_gateway_failures 30s"]
    );
}

#[test]
fn failures_of_our_own_side_count_by_themselves_and_with_the_gateways() {
    let rig = Rig::new(4, OutlierConfig::default());
    rig.answers(0, 5, Answer::LocalFailure);
    rig.answers(1, 2, Answer::GatewayFailure);
    rig.answers(1, 3, Answer::LocalFailure);
    assert_eq!(
        rig.told(),
        [
            "ejected h0:80 consecutive_local_failures 30s",
            "ejected h1:80 consecutive_gateway_failures 30s",
        ]
    );
}

#[test]
fn judged_apart_they_count_only_by_themselves_and_any_answer_breaks_their_row() {
    let rig = Rig::new(
        4,
        OutlierConfig {
            split_local_origin: true,
            ..OutlierConfig::default()
        },
    );
    rig.answers(1, 4, Answer::GatewayFailure);
    rig.answers(1, 4, Answer::LocalFailure);
    rig.answers(2, 4, Answer::LocalFailure);
    rig.answers(2, 1, Answer::Failure);
    rig.answers(2, 4, Answer::LocalFailure);
    assert_eq!(rig.ejected(), NONE);
    rig.answers(1, 1, Answer::LocalFailure);
    assert_eq!(rig.ejected(), [1]);
}

#[test]
fn a_failed_body_is_a_failure_and_an_ignored_answer_is_none() {
    let config = only(|config| config.local_failures = Some(Consecutive::new(2)));
    let rig = Rig::new(2, config);
    rig.answers(0, 9, Answer::Ignored);
    let mut pick = Pick::new(rig.slot(0), rig.now);
    pick.headers(Answer::LocalFailure, rig.now);
    drop(pick);
    assert_eq!(rig.ejected(), NONE);
    let mut pick = Pick::new(rig.slot(0), rig.now);
    pick.body_failed(rig.now);
    assert_eq!(rig.ejected(), [0]);
}

#[test]
fn any_5xx_in_a_row_ejects_when_asked_for() {
    let rig = Rig::new(
        2,
        only(|config| config.server_errors = Some(Consecutive::new(3))),
    );
    rig.answers(0, 2, Answer::Failure);
    rig.answers(0, 1, Answer::GatewayFailure);
    assert_eq!(rig.told(), ["ejected h0:80 consecutive_server_errors 30s"]);
}

#[test]
fn a_success_rate_far_below_the_others_ejects_at_the_sweep() {
    let mut rig = Rig::new(5, OutlierConfig::default());
    for host in 0..5 {
        // 4 of 200 here and there, 40 of 200 on the fourth; never five in a row.
        for _ in 0..if host == 3 { 40 } else { 4 } {
            rig.answers(host, 1, Answer::Failure);
        }
        rig.answers(host, if host == 3 { 160 } else { 196 }, Answer::Success);
    }
    assert_eq!(rig.ejected(), NONE);
    rig.sweep_after(10 * S);
    assert_eq!(rig.told(), ["ejected h3:80 success_rate 30s"]);
    let rates = rig.outliers.detector().rates().unwrap();
    assert!((rates.mean - 94.4).abs() < 1e-9, "{rates:?}");
    assert_eq!(rig.slot(3).health().success_rate(), Some(80.0));
}

#[test]
fn few_requests_or_few_endpoints_are_not_judged() {
    for (hosts, requests) in [(5, 99), (4, 200)] {
        let mut rig = Rig::new(hosts, OutlierConfig::default());
        (1..hosts).for_each(|host| rig.answers(host, requests, Answer::Success));
        rig.answers(0, requests, Answer::Failure);
        rig.sweep_after(10 * S);
        assert_eq!(rig.ejected(), NONE, "{hosts} {requests}");
        assert_eq!(rig.outliers.detector().rates(), None);
    }
}

#[test]
fn a_share_of_failures_ejects_at_the_threshold_or_above_it() {
    for (at_threshold, ejected) in [(true, vec![0]), (false, vec![])] {
        let rule = FailurePercentage {
            threshold: Percent::new(50),
            at_threshold,
            min_endpoints: 1,
            min_requests: 10,
            ..FailurePercentage::default()
        };
        let mut rig = Rig::new(2, only(|config| config.failure_percentage = Some(rule)));
        rig.answers(0, 5, Answer::Failure);
        rig.answers(0, 5, Answer::Success);
        rig.sweep_after(10 * S);
        assert_eq!(rig.ejected(), ejected);
    }
}

#[test]
fn judged_apart_connections_have_a_success_rate_of_their_own() {
    let mut config = OutlierConfig::off();
    config.split_local_origin = true;
    config.success_rate = OutlierConfig::default().success_rate;
    let mut rig = Rig::new(5, config);
    (0..5).for_each(|host| rig.answers(host, 100, Answer::Success));
    rig.answers(4, 100, Answer::LocalFailure);
    rig.sweep_after(10 * S);
    assert_eq!(rig.told(), ["ejected h4:80 local_success_rate 30s"]);
    let health = rig.slot(4);
    let health = health.health();
    assert_eq!(health.success_rate(), Some(100.0));
    assert_eq!(health.local_success_rate(), Some(50.0));
}

#[test]
fn a_slow_endpoint_among_many_is_an_outlier_and_a_fast_failure_makes_none_fast() {
    let mut rig = Rig::new(
        5,
        only(|config| config.latency = Some(LatencyOutlier::default())),
    );
    let ms = Duration::from_millis;
    for host in 0..5 {
        let took = if host == 2 { ms(70) } else { ms(20) };
        rig.answers_after(host, 20, Answer::Success, took);
    }
    rig.answers_after(2, 20, Answer::Failure, ms(1));
    rig.sweep_after(10 * S);
    assert_eq!(rig.told(), ["ejected h2:80 latency 30s"]);
}

#[test]
fn many_times_next_to_nothing_is_no_latency_outlier() {
    let mut rig = Rig::new(
        5,
        only(|config| config.latency = Some(LatencyOutlier::default())),
    );
    for host in 0..5 {
        let micros = if host == 2 { 5000 } else { 200 };
        rig.answers_after(host, 20, Answer::Success, Duration::from_micros(micros));
    }
    rig.sweep_after(10 * S);
    assert_eq!(rig.ejected(), NONE);
}

#[test]
fn accrued_failures_take_their_own_times_and_a_success_revives() {
    let rule = AccrualRule::Consecutive { failures: 3 };
    let times = DeadTimes::listed([5 * S, 10 * S]);
    let accrual = AccrualConfig::new(AccrualPolicy::new(rule, times));
    let mut rig = Rig::new(2, only(|config| config.accrual = Some(accrual)));
    rig.answers(0, 3, Answer::Failure);
    rig.sweep_after(5 * S);
    rig.answers(0, 1, Answer::Failure);
    rig.sweep_after(10 * S);
    rig.answers(0, 1, Answer::Success);
    rig.answers(0, 2, Answer::Failure);
    assert_eq!(rig.ejected(), NONE);
    rig.answers(0, 1, Answer::Failure);
    let dead = |secs| format!("ejected h0:80 failure_accrual {secs}s");
    let back = || "returned h0:80".to_owned();
    assert_eq!(rig.told(), [dead(5), back(), dead(10), back(), dead(5)]);
}

#[test]
fn chance_enforces_its_share_and_the_rest_is_only_reported() {
    let mut rule = Consecutive::new(1);
    rule.enforcement = Percent::new(25);
    let config = only(|config| {
        config.gateway_failures = Some(rule);
        config.max_ejected = Percent::ALL;
    });
    let rig = Rig::new(400, config);
    (0..400).for_each(|host| rig.answers(host, 1, Answer::GatewayFailure));
    let Counts {
        detected,
        enforced,
        overflow,
    } = rig.outliers.detector().counts(Rule::GatewayFailures);
    assert_eq!((detected, overflow), (400, 0));
    assert!((60..140).contains(&enforced), "{enforced}");
    assert_eq!(rig.ejected().len() as u64, enforced);
}
