use super::*;

const SECOND: u64 = 1_000_000_000;

fn ten() -> Decay {
    Decay::new(Duration::from_secs(10))
}

/// The estimate that is known.
fn known(ewma: &PeakEwma, now: u64, decay: Decay) -> f32 {
    match ewma.read(now, decay) {
        Latency::Known(nanos) => nanos,
        other => panic!("{other:?}"),
    }
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= b.abs() * 1e-3
}

#[test]
fn nothing_is_known_before_the_first_measurement_and_then_all_of_it() {
    let ewma = PeakEwma::new();
    assert_eq!(ewma.read(5, ten()), Latency::Unknown);
    ewma.observe(7e6, 5, ten());
    assert_eq!(ewma.read(5, ten()), Latency::Known(7e6));
}

#[test]
fn a_peak_counts_at_once_and_a_fall_by_the_time_since() {
    let ewma = PeakEwma::new();
    ewma.observe(1e6, 0, ten());
    ewma.observe(9e6, 1, ten());
    assert_eq!(ewma.read(1, ten()), Latency::Known(9e6));
    ewma.observe(1e6, 10 * SECOND, ten());
    let expected = 9e6 / std::f32::consts::E + 1e6 * (1.0 - 1.0 / std::f32::consts::E);
    assert!(near(known(&ewma, 10 * SECOND, ten()), expected));
}

#[test]
fn an_estimate_fades_for_its_readers_without_being_changed() {
    let ewma = PeakEwma::new();
    ewma.observe(1e6, 0, ten());
    for _ in 0..3 {
        let faded = known(&ewma, 10 * SECOND, ten());
        assert!(near(faded, 1e6 / std::f32::consts::E), "{faded}");
    }
    assert_eq!(ewma.read(0, ten()), Latency::Known(1e6));
}

#[test]
fn a_reading_from_before_the_last_change_does_not_fade_it() {
    let ewma = PeakEwma::new();
    ewma.observe(1e6, 5 * SECOND, ten());
    assert_eq!(ewma.read(4 * SECOND, ten()), Latency::Known(1e6));
}

#[test]
fn many_small_steps_fall_as_far_as_one_large_one() {
    let (often, once) = (PeakEwma::new(), PeakEwma::new());
    for ewma in [&often, &once] {
        ewma.observe(9e6, 0, ten());
    }
    for step in 1..=100_000 {
        often.observe(1e6, step * 100_000, ten());
    }
    once.observe(1e6, 10 * SECOND, ten());
    let (often, once) = (
        known(&often, 10 * SECOND, ten()),
        known(&once, 10 * SECOND, ten()),
    );
    assert!((often - once).abs() < once * 0.01, "{often} {once}");
}

#[test]
fn a_failure_only_raises_an_estimate() {
    let ewma = PeakEwma::new();
    ewma.observe(5e6, 0, ten());
    ewma.at_least(1e6, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::Known(5e6));
    ewma.at_least(6e6, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::Known(6e6));
}

#[test]
fn failures_alone_tell_no_latency_but_a_bound() {
    let ewma = PeakEwma::new();
    ewma.at_least(1e6, 0, ten());
    ewma.at_least(5e5, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::AtLeast(1e6));
    ewma.at_least(2e6, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::AtLeast(2e6));
    ewma.observe(1e6, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::Known(2e6));
    ewma.observe(3e6, 0, ten());
    assert_eq!(ewma.read(0, ten()), Latency::Known(3e6));
}

#[test]
fn failures_add_up_successes_and_time_wash_them_off() {
    let share = FailureShare::new();
    share.observe(false, 0, ten());
    assert_eq!(share.read(0, ten()), 0.0);
    share.observe(true, 0, ten());
    assert!(near(share.read(0, ten()), 0.1));
    for _ in 0..50 {
        share.observe(true, 0, ten());
    }
    assert!(share.read(0, ten()) > 0.99);
    assert_eq!(share.read(60 * SECOND, ten()), 0.0);
    for _ in 0..80 {
        share.observe(false, 0, ten());
    }
    assert_eq!(share.read(0, ten()), 0.0);
}

#[test]
fn a_decay_of_nanoseconds_is_kept_to_the_nanosecond() {
    let decay = Decay::new(Duration::from_nanos(150));
    let ewma = PeakEwma::new();
    ewma.observe(100.0, 0, decay);
    let faded = known(&ewma, 150, decay);
    assert!(near(faded, 100.0 / std::f32::consts::E), "{faded}");
}
