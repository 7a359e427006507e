//! The thread that pushes.

use std::future::pending;
use std::sync::{Arc, Mutex};

use super::series::Batch;
use super::*;
use crate::config::Span;
use crate::telemetry::metrics::catalog::LOOPS;
use crate::telemetry::metrics::points::{Point, Value};

#[derive(Debug, Clone)]
pub(super) enum TestExporter {
    Keep(Arc<Mutex<Vec<u64>>>),
    Refuse,
    Partly,
    Hang,
}

impl TestExporter {
    pub(super) async fn export(&self, batch: &Batch) -> Answer {
        match self {
            Self::Keep(values) => {
                let families = batch.families.iter();
                let points = families.flat_map(|dated| &dated.points);
                for point in points {
                    if let Value::Count(count) = point.value {
                        values.lock().unwrap().push(count);
                    }
                }
                Answer::Taken
            }
            Self::Refuse => Answer::Failed("refused".into()),
            Self::Partly => Answer::Partly("too many".into()),
            Self::Hang => pending().await,
        }
    }
}

fn pushing(exporters: &[TestExporter], settings: &MetricsSettings) -> Push {
    let exporters = exporters.iter().cloned().map(Exporter::Test).collect();
    let mut push = Push::with(settings, || Ok(exporters)).unwrap();
    let mut count = 0;
    push.begin(move || {
        count += 1;
        Collected {
            families: vec![Points {
                metric: &LOOPS,
                points: vec![Point {
                    labels: Box::default(),
                    value: Value::Count(count),
                }],
            }],
            born: 1,
            at: 1 + count,
        }
    });
    push
}

/// Only what is asked for is pushed.
fn rarely() -> MetricsSettings {
    MetricsSettings {
        interval: Span::secs(3_600),
        ..MetricsSettings::default()
    }
}

#[tokio::test]
async fn a_flush_pushes_what_was_counted_up_to_it() {
    let kept = Arc::default();
    let push = pushing(&[TestExporter::Keep(Arc::clone(&kept))], &rarely());
    push.flush().await;
    push.flush().await;
    assert_eq!(*kept.lock().unwrap(), [1, 2]);
    let counts = push.counter().get();
    assert_eq!((counts.exported, counts.failed), (2, 0));
}

#[tokio::test]
async fn numbers_are_pushed_again_and_again_without_being_asked() {
    let kept = Arc::<Mutex<Vec<u64>>>::default();
    let settings = MetricsSettings {
        interval: Span::millis(1),
        ..MetricsSettings::default()
    };
    let push = pushing(&[TestExporter::Keep(Arc::clone(&kept))], &settings);
    while push.counter().get().exported < 3 {
        tokio::task::yield_now().await;
    }
    drop(push);
    assert_eq!(kept.lock().unwrap()[..3], [1, 2, 3]);
}

#[tokio::test]
async fn what_is_not_taken_is_counted_and_keeps_it_from_no_other_exporter() {
    let kept = Arc::default();
    let keep = TestExporter::Keep(Arc::clone(&kept));
    for bad in [
        TestExporter::Refuse,
        TestExporter::Partly,
        TestExporter::Hang,
    ] {
        let settings = MetricsSettings {
            export_timeout: Span::millis(10),
            ..rarely()
        };
        let push = pushing(&[bad.clone(), keep.clone()], &settings);
        push.flush().await;
        assert_eq!(push.counter().get().failed, 1, "{bad:?}");
    }
    assert_eq!(*kept.lock().unwrap(), [1, 1, 1]);
}

#[tokio::test]
async fn a_push_that_never_began_ends_with_its_service() {
    let made = Push::with(&rarely(), || Ok(vec![Exporter::Test(TestExporter::Refuse)]));
    let push = made.unwrap();
    let flushes = push.flushes.clone();
    drop(push);
    flushes.closed().await;
}

#[test]
fn who_names_nobody_and_who_is_disabled_has_no_thread() {
    let mut settings = TelemetrySettings::default();
    let resource = Resource::of("a", None, &settings);
    assert!(Push::start(&resource, &settings).unwrap().is_none());
    settings.metrics.exporters = vec![crate::config::MetricsExporter::Console];
    assert!(Push::start(&resource, &settings).unwrap().is_some());
    settings.disabled = true;
    assert!(Push::start(&resource, &settings).unwrap().is_none());
}
