//! What is shown, in whatever form: text for Prometheus, or numbers that are pushed.

use super::catalog::Description;
use super::format::Format;
use super::points::{self, Points};
use super::text::{self, Text};
use super::value::Histogram;
use crate::config::ExemplarFilter;

/// Everything that is shown at one moment, as it is gathered.
#[derive(Debug)]
pub(crate) struct Exposition(Form);

#[derive(Debug)]
enum Form {
    Text(Text),
    Points(Vec<Points>, ExemplarFilter),
}

impl Exposition {
    pub(super) fn text(format: Format, exemplars: ExemplarFilter) -> Self {
        Self(Form::Text(Text::new(format, exemplars)))
    }

    pub(super) fn points(exemplars: ExemplarFilter) -> Self {
        Self(Form::Points(Vec::new(), exemplars))
    }

    /// The series of one metric; nothing is told of one that has none.
    pub(crate) fn family(&mut self, metric: &'static Description) -> Family<'_> {
        match &mut self.0 {
            Form::Text(text) => Family(Of::Text(text.family(metric))),
            Form::Points(all, exemplars) => {
                Family(Of::Points(points::Family::of(all, metric, *exemplars)))
            }
        }
    }

    /// One metric that has no labels.
    pub(crate) fn gauge(&mut self, metric: &'static Description, value: f64) {
        self.family(metric).gauge(&[], value);
    }

    /// The text, complete.
    pub(super) fn into_text(self) -> String {
        match self.0 {
            Form::Text(text) => text.finish(),
            Form::Points(..) => String::new(),
        }
    }

    /// The numbers, complete.
    pub(super) fn into_points(self) -> Vec<Points> {
        match self.0 {
            Form::Text(_) => Vec::new(),
            Form::Points(points, _) => points,
        }
    }
}

/// The series of one metric.
pub(crate) struct Family<'a>(Of<'a>);

enum Of<'a> {
    Text(text::Family<'a>),
    Points(points::Family<'a>),
}

impl Family<'_> {
    /// A counter's value.
    pub(crate) fn counter(&mut self, labels: &[&str], value: u64) {
        match &mut self.0 {
            Of::Text(text) => text.counter(labels, value),
            Of::Points(points) => points.counter(labels, value),
        }
    }

    /// The value of a counter that is only looked at, and no whole number.
    pub(crate) fn counter_f64(&mut self, labels: &[&str], value: f64) {
        match &mut self.0 {
            Of::Text(text) => text.counter_f64(labels, value),
            Of::Points(points) => points.counter_f64(labels, value),
        }
    }

    /// A gauge's value; what is not a number is left out.
    pub(crate) fn gauge(&mut self, labels: &[&str], value: f64) {
        match &mut self.0 {
            Of::Text(text) => text.gauge(labels, value),
            Of::Points(points) => points.gauge(labels, value),
        }
    }

    /// 1 for the state that is, 0 for the others; the state is the last label.
    pub(crate) fn states(&mut self, labels: &[&str], states: &[&str], now: &str) {
        for state in states {
            let labels: Vec<_> = labels.iter().copied().chain([*state]).collect();
            self.gauge(&labels, if *state == now { 1.0 } else { 0.0 });
        }
    }

    /// What its labels tell.
    pub(crate) fn info(&mut self, labels: &[&str]) {
        match &mut self.0 {
            Of::Text(text) => text.info(labels),
            Of::Points(points) => points.gauge(labels, 1.0),
        }
    }

    /// A sum and how many it was made of.
    pub(super) fn summary(&mut self, labels: &[&str], sum: f64, count: u64) {
        match &mut self.0 {
            Of::Text(text) => text.summary(labels, sum, count),
            Of::Points(points) => points.summary(labels, sum, count),
        }
    }

    /// All buckets, the sum and the count.
    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        match &mut self.0 {
            Of::Text(text) => text.histogram(labels, histogram),
            Of::Points(points) => points.histogram(labels, histogram),
        }
    }
}
