//! Numbers on their way to whoever they are pushed to.

use super::catalog::Description;
use super::exemplar::Exemplar;
use super::value::Histogram;
use crate::config::ExemplarFilter;

/// The series of one metric.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) metric: &'static Description,
    pub(super) points: Vec<Point>,
}

/// The values of a series' labels, in the order of the metric's; an empty one is as good as not there.
pub(super) type Labels = Box<[Box<str>]>;

/// One series.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) labels: Labels,
    pub(super) value: Value,
}

/// What a series has come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Only grows.
    Count(u64),
    /// The same, of something that is only looked at.
    Looked(f64),
    /// Is what it is now.
    Now(f64),
    Buckets(Buckets),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Buckets {
    /// The upper ends, in the unit that is shown; none where only the sum and the count are known.
    pub(super) bounds: Vec<f64>,
    /// One more than there are bounds, each bucket alone.
    pub(super) counts: Vec<u64>,
    pub(super) sum: f64,
    pub(super) exemplars: Vec<Exemplar>,
}

/// Examples are no part of what was counted.
impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts && self.sum == other.sum && self.bounds == other.bounds
    }
}

impl Buckets {
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Takes the series of one metric.
#[derive(Debug)]
pub(super) struct Family<'a> {
    all: &'a mut Vec<Points>,
    metric: &'static Description,
    exemplars: ExemplarFilter,
}

impl<'a> Family<'a> {
    pub(super) fn of(
        all: &'a mut Vec<Points>,
        metric: &'static Description,
        exemplars: ExemplarFilter,
    ) -> Self {
        Self {
            all,
            metric,
            exemplars,
        }
    }

    pub(super) fn counter(&mut self, labels: &[&str], value: u64) {
        self.add(labels, Value::Count(value));
    }

    pub(super) fn counter_f64(&mut self, labels: &[&str], value: f64) {
        self.add(labels, Value::Looked(value));
    }

    /// What is not a number is left out.
    pub(super) fn gauge(&mut self, labels: &[&str], value: f64) {
        if value.is_finite() {
            self.add(labels, Value::Now(value));
        }
    }

    pub(super) fn summary(&mut self, labels: &[&str], sum: f64, count: u64) {
        let buckets = Buckets {
            counts: vec![count],
            sum,
            ..Buckets::default()
        };
        self.add(labels, Value::Buckets(buckets));
    }

    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        let sum = histogram.sum();
        let counts: Vec<_> = histogram.buckets().collect();
        let exemplars = (0..counts.len())
            .filter_map(|bucket| histogram.exemplars.get(bucket, self.exemplars))
            .collect();
        let buckets = Buckets {
            bounds: histogram.bounds.uppers().collect(),
            counts,
            sum,
            exemplars,
        };
        self.add(labels, Value::Buckets(buckets));
    }

    fn add(&mut self, labels: &[&str], value: Value) {
        let point = Point {
            labels: labels.iter().map(|label| Box::from(*label)).collect(),
            value,
        };
        match self.all.last_mut() {
            Some(last) if std::ptr::eq(last.metric, self.metric) => last.points.push(point),
            _ => self.all.push(Points {
                metric: self.metric,
                points: vec![point],
            }),
        }
    }
}
