use super::super::super::catalog::{CALL_ATTEMPTS, CALL_DURATION, PROCESS_CPU, SERVER_ACTIVE};
use super::super::super::points::{Point, Points};
use super::*;

const BORN: u64 = 1_000;

fn collected(at: u64, series: &[(&'static Description, &str, Value)]) -> Collected {
    let families = series.iter().map(|(metric, label, value)| Points {
        metric,
        points: vec![Point {
            labels: Box::new([Box::from(*label)]),
            value: value.clone(),
        }],
    });
    Collected {
        families: families.collect(),
        born: BORN,
        at,
    }
}

/// What is told of each: label, since, value.
fn told(batches: &[Batch]) -> Vec<(String, u64, Value)> {
    let families = batches.iter().flat_map(|batch| &batch.families);
    let points = families.flat_map(|dated| &dated.points);
    points
        .map(|point| {
            (
                point.labels[0].to_string(),
                point.since,
                point.value.clone(),
            )
        })
        .collect()
}

fn calls(label: &str, count: u64) -> (&'static Description, &str, Value) {
    (&CALL_ATTEMPTS, label, Value::Count(count))
}

fn buckets(counts: &[u64], sum: f64) -> Value {
    Value::Buckets(Buckets {
        bounds: vec![1.0],
        counts: counts.to_vec(),
        sum,
        exemplars: Vec::new(),
    })
}

#[test]
fn cumulative_counts_from_the_start_and_what_came_later_from_the_look_before() {
    let mut series = Series::new(Temporality::Cumulative);
    series.take(&collected(2_000, &[calls("a", 5)]));
    let second = series.take(&collected(3_000, &[calls("a", 5), calls("b", 1)]));
    let expected = [
        ("a".into(), BORN, Value::Count(5)),
        ("b".into(), 2_000, Value::Count(1)),
    ];
    assert_eq!(
        told(&second),
        expected,
        "though neither was said to be taken"
    );
}

#[test]
fn a_series_that_was_forgotten_begins_anew() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut series = Series::new(temporality);
        for batch in series.take(&collected(2_000, &[calls("a", 5)])) {
            series.taken(batch);
        }
        let less = series.take(&collected(3_000, &[calls("a", 2)]));
        assert_eq!(told(&less), [("a".into(), 2_000, Value::Count(2))]);
        series.take(&collected(4_000, &[]));
        let again = series.take(&collected(5_000, &[calls("a", 9)]));
        assert_eq!(told(&again), [("a".into(), 4_000, Value::Count(9))]);
    }
}

#[test]
fn a_delta_counts_from_the_last_push_that_was_taken() {
    let mut series = Series::new(Temporality::Delta);
    let all = |count, at| {
        collected(
            at,
            &[
                calls("a", count),
                (
                    &CALL_DURATION,
                    "h",
                    buckets(&[count, 1], 2.0 * count as f64),
                ),
            ],
        )
    };
    for batch in series.take(&all(5, 2_000)) {
        series.taken(batch);
    }
    let lost = series.take(&all(6, 3_000));
    assert_eq!(told(&lost)[0], ("a".into(), 2_000, Value::Count(1)));
    let next = series.take(&all(8, 4_000));
    assert_eq!(
        told(&next),
        [
            ("a".into(), 2_000, Value::Count(3)),
            ("h".into(), 2_000, buckets(&[3, 0], 6.0)),
        ]
    );
    for batch in next {
        series.taken(batch);
    }
    assert!(told(&series.take(&all(8, 5_000))).is_empty(), "nothing new");
    let later = series.take(&all(9, 6_000));
    assert_eq!(told(&later)[0], ("a".into(), 4_000, Value::Count(1)));
}

#[test]
fn what_goes_up_and_down_has_no_delta_and_low_memory_spares_what_is_only_looked_at() {
    let now = [
        calls("a", 5),
        (&SERVER_ACTIVE, "up and down", Value::Now(3.0)),
        (&PROCESS_CPU, "looked at", Value::Looked(1.5)),
    ];
    for (temporality, second) in [
        (
            Temporality::Cumulative,
            vec!["a", "up and down", "looked at"],
        ),
        (Temporality::Delta, vec!["up and down"]),
        (Temporality::LowMemory, vec!["up and down", "looked at"]),
    ] {
        let mut series = Series::new(temporality);
        for batch in series.take(&collected(2_000, &now)) {
            series.taken(batch);
        }
        let again = told(&series.take(&collected(3_000, &now)));
        let labels: Vec<_> = again.iter().map(|(label, ..)| label.as_str()).collect();
        assert_eq!(labels, second, "{temporality:?}");
    }
}

#[test]
fn however_long_nothing_is_taken_no_more_is_held_than_the_series_of_the_last_look() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut series = Series::new(temporality);
        for look in 1..1_000 {
            let (own, next) = (format!("10.0.0.{look}"), format!("10.0.0.{}", look + 1));
            // Addresses come and go, as a rolling restart's do.
            series.take(&collected(
                BORN + look,
                &[calls(&own, look), calls(&next, 1), calls("stays", look)],
            ));
            let held: usize = series.known.values().map(HashMap::len).sum();
            assert_eq!(held, 3);
        }
        let last = told(&series.take(&collected(9_000, &[calls("stays", 5_000)])));
        let (_, since, count) = &last[0];
        assert_eq!(
            (*since, count),
            (BORN, &Value::Count(5_000)),
            "nothing is lost"
        );
    }
}

#[test]
fn many_points_go_in_several_messages_and_only_those_that_arrived_are_taken() {
    let mut series = Series::new(Temporality::Delta);
    let names: Vec<_> = (0..2 * BATCH + 1).map(|n| n.to_string()).collect();
    let points: Vec<_> = names.iter().map(|name| calls(name, 1)).collect();
    let mut batches = series.take(&collected(2_000, &points));
    let sizes: Vec<usize> = batches
        .iter()
        .map(|batch| batch.families.iter().map(|one| one.points.len()).sum())
        .collect();
    assert_eq!(sizes, [BATCH, BATCH, 1]);
    series.taken(batches.swap_remove(0));
    assert_eq!(
        told(&series.take(&collected(3_000, &points))).len(),
        BATCH + 1
    );
}
