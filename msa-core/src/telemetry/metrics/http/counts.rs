//! What was counted of inbound requests, as numbers for the admin page.

use serde::Serialize;

use super::super::Metrics;
use super::super::value::Histogram;
use super::{CANCELLED, status_and_error};

/// The requests of one method to one route since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RouteCounts {
    pub(crate) method: String,
    pub(crate) route: String,
    /// Requests whose answer's head is not there yet.
    pub(crate) active: i64,
    /// Answers by the time they took, by the bounds of [`Metrics::bounds_ms`].
    pub(crate) took: Vec<u64>,
    /// Those with a status from 500 on.
    pub(crate) failed: u64,
    /// Those whose client went away.
    pub(crate) cancelled: u64,
}

impl Metrics {
    /// The upper ends of the buckets of times, in milliseconds; one more bucket has no end.
    pub(crate) fn bounds_ms() -> impl Iterator<Item = f64> {
        Histogram::seconds_ends().map(|seconds| seconds * 1e3)
    }

    /// Every route that was asked for.
    pub(crate) fn routes(&self) -> Vec<RouteCounts> {
        let each = self.0.routes.all().into_iter().map(|series| {
            let [method, route] = series.labels();
            let mut counts = RouteCounts {
                method: method.to_owned(),
                route: route.to_owned(),
                active: series.value.active.get(),
                took: Vec::new(),
                failed: 0,
                cancelled: 0,
            };
            for ([status], answers) in series.value.answers.all() {
                let count = answers.took.buckets().sum::<u64>();
                match status_and_error(status, 500) {
                    ("", CANCELLED) => counts.cancelled += count,
                    (_, "") => {}
                    _ => counts.failed += count,
                }
                add(&mut counts.took, &answers.took);
            }
            counts
        });
        each.collect()
    }
}

/// Adds a histogram's buckets to these.
pub(in super::super) fn add(sums: &mut Vec<u64>, histogram: &Histogram) {
    if sums.is_empty() {
        sums.extend(histogram.buckets());
        return;
    }
    for (sum, more) in sums.iter_mut().zip(histogram.buckets()) {
        *sum += more;
    }
}
