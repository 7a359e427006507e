//! From when on each number counts, and what of it is told.

use std::collections::HashMap;

use super::super::catalog::{Description, Kind, TARGET};
use super::super::points::{Buckets, Labels, Value};
use super::Collected;
use crate::config::Temporality;

/// So many points go into one message: at some 400 bytes each, well below the 4 MiB that gRPC takes by default.
const BATCH: usize = 4_000;

/// What somebody was told of each series. It holds the series of the last look, so it is as bounded as they are.
#[derive(Debug)]
pub(super) struct Series {
    temporality: Temporality,
    /// When was last looked, in nanoseconds since 1970; 0 before the first time.
    before: u64,
    known: HashMap<&'static str, HashMap<Labels, Known>>,
}

#[derive(Debug)]
struct Known {
    /// In nanoseconds since 1970.
    since: u64,
    /// What counted before that.
    base: Value,
    seen: u64,
}

/// What goes into one message.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) at: u64,
    pub(super) families: Vec<Dated>,
    /// What deltas count from once this is taken.
    then: Vec<(&'static str, Labels, Value)>,
}

/// The series of one metric, all of one temporality.
#[derive(Debug)]
pub(super) struct Dated {
    pub(super) metric: &'static Description,
    pub(super) is_delta: bool,
    pub(super) points: Vec<DatedPoint>,
}

#[derive(Debug)]
pub(super) struct DatedPoint {
    pub(super) labels: Labels,
    pub(super) since: u64,
    pub(super) value: Value,
}

impl Series {
    pub(super) fn new(temporality: Temporality) -> Self {
        Self {
            temporality,
            before: 0,
            known: HashMap::new(),
        }
    }

    /// What is to be told of what was collected.
    pub(super) fn take(&mut self, collected: &Collected) -> Vec<Batch> {
        let at = collected.at;
        let mut batches = vec![Batch {
            at,
            ..Batch::default()
        }];
        let mut room = BATCH;
        for family in &collected.families {
            // The resource tells it.
            if std::ptr::eq(family.metric, &TARGET) {
                continue;
            }
            let mut begun = false;
            for point in &family.points {
                let is_delta = self.is_delta(family.metric, &point.value);
                let Some((since, value)) = self.date(
                    family.metric,
                    is_delta,
                    &point.labels,
                    &point.value,
                    collected,
                ) else {
                    continue;
                };
                if room == 0 {
                    (room, begun) = (BATCH, false);
                    batches.push(Batch {
                        at,
                        ..Batch::default()
                    });
                }
                room -= 1;
                let Some(batch) = batches.last_mut() else {
                    continue; // there is always one
                };
                if is_delta {
                    let then = (
                        family.metric.name,
                        point.labels.clone(),
                        point.value.clone(),
                    );
                    batch.then.push(then);
                }
                let point = DatedPoint {
                    labels: point.labels.clone(),
                    since,
                    value,
                };
                match batch.families.last_mut().filter(|_| begun) {
                    Some(dated) => dated.points.push(point),
                    None => batch.families.push(Dated {
                        metric: family.metric,
                        is_delta,
                        points: vec![point],
                    }),
                }
                begun = true;
            }
        }
        for series in self.known.values_mut() {
            series.retain(|_, known| known.seen == at);
        }
        self.before = at;
        batches.retain(|batch| !batch.families.is_empty());
        batches
    }

    /// It arrived.
    pub(super) fn taken(&mut self, batch: Batch) {
        for (metric, labels, value) in batch.then {
            let series = self.known.get_mut(metric);
            if let Some(known) = series.and_then(|series| series.get_mut(&labels)) {
                known.since = batch.at;
                known.base = value;
            }
        }
    }

    fn is_delta(&self, metric: &Description, value: &Value) -> bool {
        let counts = matches!(metric.kind, Kind::Counter | Kind::Histogram | Kind::Summary);
        counts
            && match self.temporality {
                Temporality::Cumulative => false,
                Temporality::Delta => true,
                Temporality::LowMemory => !matches!(value, Value::Looked(_)),
            }
    }

    /// From when on it counts, and what it has come to since; `None` when there is nothing to tell.
    fn date(
        &mut self,
        metric: &'static Description,
        is_delta: bool,
        labels: &[Box<str>],
        value: &Value,
        collected: &Collected,
    ) -> Option<(u64, Value)> {
        // What was not there at the last look began after it.
        let earliest = match self.before {
            0 => collected.born,
            before => before,
        };
        let series = self.known.entry(metric.name).or_default();
        if !series.contains_key(labels) {
            let known = Known {
                since: earliest,
                base: value.nothing(),
                seen: 0,
            };
            series.insert(labels.into(), known);
        }
        let known = series.get_mut(labels)?;
        known.seen = collected.at;
        if value.is_behind(&known.base) {
            // It was forgotten, and began anew.
            known.since = earliest;
            known.base = value.nothing();
        }
        let mut told = match is_delta {
            true => value.since(&known.base),
            false => value.clone(),
        };
        if is_delta && told.is_nothing() {
            return None;
        }
        if let Value::Buckets(buckets) = &mut told {
            let fresh = self.before / 1_000_000;
            buckets.exemplars.retain(|one| one.at >= fresh);
        }
        if !is_delta {
            known.base = value.clone();
        }
        Some((known.since, told))
    }
}

impl Value {
    fn nothing(&self) -> Self {
        match self {
            Self::Count(_) => Self::Count(0),
            Self::Looked(_) => Self::Looked(0.0),
            Self::Now(_) => Self::Now(0.0),
            Self::Buckets(buckets) => Self::Buckets(Buckets {
                bounds: buckets.bounds.clone(),
                counts: vec![0; buckets.counts.len()],
                ..Buckets::default()
            }),
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Count(count) => *count == 0,
            Self::Looked(sum) => *sum == 0.0,
            Self::Now(_) => false,
            Self::Buckets(buckets) => buckets.count() == 0,
        }
    }

    /// Whether it has become less, which what only grows does not.
    fn is_behind(&self, base: &Self) -> bool {
        match (self, base) {
            (Self::Count(now), Self::Count(before)) => now < before,
            (Self::Looked(now), Self::Looked(before)) => now < before,
            (Self::Buckets(now), Self::Buckets(before)) => {
                let mut pairs = now.counts.iter().zip(&before.counts);
                pairs.any(|(now, before)| now < before)
            }
            _ => false,
        }
    }

    /// What came on top of `base`.
    fn since(&self, base: &Self) -> Self {
        match (self, base) {
            (Self::Count(now), Self::Count(before)) => Self::Count(now.saturating_sub(*before)),
            (Self::Looked(now), Self::Looked(before)) => Self::Looked(now - before),
            (Self::Buckets(now), Self::Buckets(before)) => {
                let pairs = now.counts.iter().zip(&before.counts);
                Self::Buckets(Buckets {
                    bounds: now.bounds.clone(),
                    counts: pairs
                        .map(|(now, before)| now.saturating_sub(*before))
                        .collect(),
                    sum: (now.sum - before.sum).max(0.0),
                    exemplars: now.exemplars.clone(),
                })
            }
            _ => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
