//! What becomes of outliers, and of the rest.

use super::*;
use crate::balance::outlier::{Consecutive, Counts, Rule};
use crate::config::Percent;

/// The first failure ejects.
fn strict() -> OutlierConfig {
    OutlierConfig {
        gateway_failures: Some(Consecutive::new(1)),
        ..OutlierConfig::off()
    }
}

fn fails(rig: &Rig, host: usize) {
    rig.answers(host, 1, Answer::GatewayFailure);
}

#[test]
fn an_outlier_returns_with_a_sweep_after_its_time_and_starts_slowly() {
    let mut rig = Rig::new(3, strict());
    fails(&rig, 0);
    rig.sweep_after(29 * S);
    assert_eq!(rig.ejected(), [0]);
    rig.sweep_after(S);
    assert_eq!(rig.ejected(), NONE);
    assert_eq!(
        rig.told(),
        [
            "ejected h0:80 consecutive_gateway_failures 30s",
            "returned h0:80"
        ]
    );
    assert!(rig.slot(0).ramp(rig.now) < 0.2);
    assert!((rig.slot(1).ramp(rig.now) - 1.0).abs() < f32::EPSILON);
}

#[test]
fn the_first_answer_after_a_quiet_hour_brings_everybody_back() {
    let mut rig = Rig::new(3, strict());
    fails(&rig, 0);
    rig.advance(3600 * S);
    rig.answers(1, 1, Answer::Success);
    assert_eq!(rig.ejected(), NONE);
    fails(&rig, 0);
    let again = rig.told().pop().unwrap();
    assert!(
        again.ends_with(" 60s"),
        "it was not in service since: {again}"
    );
}

#[test]
fn old_sins_do_not_send_an_endpoint_out_again() {
    let config = OutlierConfig {
        success_rate: OutlierConfig::default().success_rate,
        ..strict()
    };
    let mut rig = Rig::new(5, config);
    (1..5).for_each(|host| rig.answers(host, 100, Answer::Success));
    rig.answers(0, 100, Answer::Failure);
    fails(&rig, 0);
    // Nobody called meanwhile: the sweep that brings it back is the first since.
    rig.sweep_after(30 * S);
    assert_eq!(rig.ejected(), NONE);
}

#[test]
fn ejections_grow_with_each_in_a_row_up_to_the_longest_and_shrink_with_health() {
    let config = OutlierConfig {
        max_ejection: 75 * S,
        ..strict()
    };
    let mut rig = Rig::new(3, config);
    let mut times = Vec::new();
    let mut eject = |rig: &mut Rig| {
        fails(rig, 0);
        let text = rig.told().pop().unwrap();
        times.push(text.rsplit(' ').next().unwrap().to_owned());
        rig.sweep_after(75 * S);
    };
    (0..4).for_each(|_| eject(&mut rig));
    // One less for each healthy interval, however many pass between two sweeps.
    rig.sweep_after(30 * S);
    eject(&mut rig);
    rig.sweep_after(10_000 * S);
    eject(&mut rig);
    assert_eq!(times, ["30s", "60s", "75s", "75s", "60s", "30s"]);
}

#[test]
fn a_row_begun_before_the_ejection_does_not_count_after_it() {
    let mut rig = Rig::new(3, OutlierConfig::default());
    rig.answers(0, 9, Answer::GatewayFailure);
    rig.sweep_after(30 * S);
    assert_eq!(rig.ejected(), NONE);
    rig.answers(0, 4, Answer::GatewayFailure);
    assert_eq!(rig.ejected(), NONE);
    rig.answers(0, 1, Answer::GatewayFailure);
    assert_eq!(rig.ejected(), [0]);
}

#[test]
fn never_more_than_half_are_out_and_the_rest_is_reported() {
    let rig = Rig::new(5, strict());
    (0..5).for_each(|host| fails(&rig, host));
    assert_eq!(rig.ejected(), [0, 1]);
    let counts = rig.outliers.detector().counts(Rule::GatewayFailures);
    let expected = Counts {
        detected: 5,
        enforced: 2,
        overflow: 3,
    };
    assert_eq!(counts, expected);
    let kept = "would eject h4:80 consecutive_gateway_failures 30s";
    assert_eq!(rig.told().last().unwrap(), kept);
    assert!(!rig.fleet.in_panic(), "three of five are more than half");
}

#[test]
fn rounded_up_the_first_may_always_go() {
    let config = OutlierConfig {
        max_ejected: Percent::new(1),
        max_ejected_rounds_up: true,
        ..strict()
    };
    let rig = Rig::new(2, config);
    (0..2).for_each(|host| fails(&rig, host));
    assert_eq!(rig.ejected(), [0]);
}

#[test]
fn broken_and_unhealthy_endpoints_count_toward_the_cap() {
    let rig = Rig::new(6, strict());
    rig.doors.shut(4, true);
    rig.outliers.checked(&host(5), false, 10 * S, rig.now);
    (0..3).for_each(|host| fails(&rig, host));
    assert_eq!(rig.ejected(), [0]);
    // One that is broken itself is out already: to eject it takes nothing from the rest.
    fails(&rig, 4);
    assert_eq!(rig.ejected(), [0, 4]);
}

#[test]
fn below_half_available_all_are_used_until_enough_are_back() {
    let mut rig = Rig::new(4, strict());
    fails(&rig, 0);
    rig.doors.shut(1, true);
    rig.outliers.breaker_changed(rig.now);
    assert!(!rig.fleet.in_panic(), "two of four are half");
    rig.doors.shut(2, true);
    rig.outliers.breaker_changed(rig.now);
    assert!(rig.fleet.in_panic());
    let hint = crate::balance::PickHint::default();
    for host in 0..4 {
        let standing = rig.slot(host).standing(&hint, rig.now);
        assert_eq!(standing, Some(crate::balance::Standing::BEST));
    }
    // Breakers close with time and tell nobody: the next answer a second later looks.
    rig.doors.shut(2, false);
    rig.answers(3, 1, Answer::Success);
    assert!(rig.fleet.in_panic());
    rig.advance(S);
    rig.answers(3, 1, Answer::Success);
    assert!(!rig.fleet.in_panic());
    assert_eq!(rig.told()[1..], ["panic true", "panic false"]);
}

#[test]
fn a_new_set_is_looked_at_anew() {
    let rig = Rig::new(3, strict());
    rig.doors.shut(0, true);
    rig.doors.shut(1, true);
    rig.outliers.breaker_changed(rig.now);
    assert!(rig.fleet.in_panic());
    let mut more = rig.hosts.clone();
    more.push(host(3));
    rig.update(&more);
    assert!(!rig.fleet.in_panic());
    rig.update(&[]);
    assert!(!rig.fleet.in_panic());
}

#[test]
fn a_draining_endpoint_is_no_failure_and_leaves_the_count() {
    let mut rig = Rig::new(4, strict());
    let pick = Pick::new(rig.slot(0), rig.now);
    assert!(pick.draining(rig.now));
    assert!(!pick.draining(rig.now), "said once");
    drop(pick);
    assert_eq!(rig.ejected(), NONE);
    // Half of the three that are left is one.
    fails(&rig, 1);
    fails(&rig, 2);
    assert_eq!(rig.ejected(), [1]);
    rig.sweep_after(29 * S);
    assert_eq!(rig.marked(Mark::Draining), [0]);
    rig.sweep_after(S);
    assert_eq!(rig.marked(Mark::Draining), NONE);
    let told = rig.told();
    assert_eq!(told.first().unwrap(), "draining h0:80");
    assert!(told.contains(&"returned h0:80".to_owned()));
}

#[test]
fn discovery_brings_a_drained_endpoint_back_anew() {
    let rig = Rig::new(2, strict());
    Pick::new(rig.slot(0), rig.now).draining(rig.now);
    rig.update(&rig.hosts[1..]);
    rig.update(&rig.hosts);
    assert_eq!(rig.marked(Mark::Draining), NONE);
}

#[test]
fn an_ejection_survives_another_weight_and_not_a_departure() {
    let rig = Rig::new(3, strict());
    fails(&rig, 0);
    let heavier = [host(0).with_weight(7), host(1), host(2)];
    rig.update(&heavier);
    assert_eq!(rig.ejected(), [0]);
    rig.update(&rig.hosts[1..]);
    rig.update(&rig.hosts);
    assert_eq!(rig.ejected(), NONE);
}

#[test]
fn who_has_left_is_not_ejected() {
    let rig = Rig::new(3, strict());
    let mut pick = Pick::new(rig.slot(0), rig.now);
    rig.update(&rig.hosts[1..]);
    pick.headers(Answer::GatewayFailure, rig.now);
    rig.answers(1, 1, Answer::Success);
    assert_eq!(rig.told(), [] as [String; 0]);
}

#[test]
fn in_dark_mode_outliers_are_told_and_stay_in() {
    let rig = Rig::new(
        4,
        OutlierConfig {
            dark: true,
            ..strict()
        },
    );
    fails(&rig, 0);
    assert_eq!(rig.ejected(), NONE);
    let told = "would eject h0:80 consecutive_gateway_failures 30s";
    assert_eq!(rig.told(), [told]);
}

#[test]
fn without_rules_or_in_the_dark_everybody_returns() {
    let dark = OutlierConfig {
        dark: true,
        ..strict()
    };
    for config in [OutlierConfig::off(), dark] {
        let rig = Rig::new(2, strict());
        fails(&rig, 0);
        rig.outliers.configure(config, rig.now);
        assert_eq!(rig.ejected(), NONE);
    }
}

#[test]
fn changed_rules_hold_from_the_next_answer_on() {
    let rig = Rig::new(4, OutlierConfig::default());
    rig.answers(0, 3, Answer::GatewayFailure);
    rig.outliers.configure(
        OutlierConfig {
            gateway_failures: Some(Consecutive::new(2)),
            ..OutlierConfig::default()
        },
        rig.now,
    );
    fails(&rig, 0);
    assert_eq!(rig.ejected(), [0]);
}

#[test]
fn a_good_health_check_brings_back_at_once_whatever_it_was() {
    let rig = Rig::new(4, strict());
    fails(&rig, 0);
    Pick::new(rig.slot(1), rig.now).draining(rig.now);
    rig.outliers.checked(&host(2), false, 10 * S, rig.now);
    rig.outliers.checked(&host(2), false, 10 * S, rig.now);
    assert_eq!(rig.marked(Mark::Unhealthy), [2]);
    for number in 0..4 {
        rig.outliers.checked(&host(number), true, 10 * S, rig.now);
    }
    let marks = [Mark::Ejected, Mark::Draining, Mark::Unhealthy];
    assert!(marks.map(|mark| rig.marked(mark)).iter().all(Vec::is_empty));
    let told = rig.told();
    let unhealthy = "ejected h2:80 active_health 10s".to_owned();
    assert_eq!(told.iter().filter(|text| **text == unhealthy).count(), 1);
    let returned = told.iter().filter(|text| text.starts_with("returned"));
    assert_eq!(returned.count(), 3, "{told:?}");
}

#[test]
fn one_weight_less_is_no_part_of_the_whole() {
    let mut rig = Rig::new(3, strict());
    rig.hosts[2] = host(2).with_weight(0);
    rig.update(&rig.hosts);
    fails(&rig, 2);
    fails(&rig, 0);
    fails(&rig, 1);
    assert_eq!(
        rig.ejected(),
        [0, 2],
        "half of two is one, the standby apart"
    );
}

#[test]
fn fleet_and_watch_are_freed_together() {
    let rig = Rig::new(2, strict());
    fails(&rig, 0);
    let (outliers, slot) = (Arc::downgrade(&rig.outliers), Arc::downgrade(&rig.slot(0)));
    drop(rig);
    assert!(outliers.upgrade().is_none() && slot.upgrade().is_none());
}

#[test]
fn an_outlier_that_is_kept_in_is_told_once_in_the_time_that_it_would_be_out() {
    let config = OutlierConfig {
        server_errors: Some(Consecutive::new(1)),
        ..strict()
    };
    let mut rig = Rig::new(2, config);
    fails(&rig, 0);
    rig.told();
    // By both rules at once, and again and again.
    (0..3).for_each(|_| fails(&rig, 1));
    let kept = "would eject h1:80 consecutive_gateway_failures 30s";
    assert_eq!(rig.told(), [kept]);
    rig.advance(29 * S);
    fails(&rig, 1);
    assert_eq!(rig.told(), [""; 0]);
    let counts = rig.outliers.detector().counts(Rule::GatewayFailures);
    assert_eq!(counts.detected, 5, "each is counted all the same");

    // That it is set aside is news, as soon as there is room.
    rig.sweep_after(S);
    fails(&rig, 1);
    let ejected = "ejected h1:80 consecutive_gateway_failures 30s";
    assert_eq!(rig.told(), ["returned h0:80", ejected]);
}

#[test]
fn in_the_dark_an_outlier_is_told_once_in_the_time_that_it_would_be_out() {
    let config = OutlierConfig {
        dark: true,
        ..strict()
    };
    let mut rig = Rig::new(3, config);
    for seconds in [0, 10, 10, 10] {
        rig.advance(seconds * S);
        fails(&rig, 0);
    }
    let told = "would eject h0:80 consecutive_gateway_failures 30s";
    assert_eq!(rig.told(), [told, told], "at 0 s and at 30 s");
}
