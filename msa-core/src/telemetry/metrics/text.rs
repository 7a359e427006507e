//! The two text forms that Prometheus reads.
//!
//! The formats are Prometheus' text format 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>) and OpenMetrics 1.0
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::fmt::Write as _;

use super::catalog::{Description, Kind};
use super::exemplar::Exemplar;
use super::format::Format;
use super::value::Histogram;
use crate::config::ExemplarFilter;

/// The longest GTXID that has room beside a trace id and a span id.
const LONGEST_BESIDE_SPAN: usize =
    128 - "trace_id".len() - 32 - "span_id".len() - 16 - "gtxid".len();

/// A text that is being written.
#[derive(Debug)]
pub(super) struct Text {
    format: Format,
    exemplars: ExemplarFilter,
    text: String,
}

impl Text {
    pub(super) fn new(format: Format, exemplars: ExemplarFilter) -> Self {
        Self {
            format,
            exemplars,
            text: String::with_capacity(16 * 1024),
        }
    }

    /// The series of one metric; nothing is written of one that has none.
    pub(super) fn family(&mut self, metric: &'static Description) -> Family<'_> {
        Family {
            name: metric.family(),
            out: self,
            metric,
            begun: false,
        }
    }

    /// The text, complete.
    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// The series of one metric.
pub(super) struct Family<'a> {
    out: &'a mut Text,
    metric: &'static Description,
    name: String,
    begun: bool,
}

impl Family<'_> {
    /// A counter's value.
    pub(super) fn counter(&mut self, labels: &[&str], value: u64) {
        self.head("_total", labels, None);
        self.end(format_args!("{value}"));
    }

    /// A counter's value that is no whole number.
    pub(super) fn counter_f64(&mut self, labels: &[&str], value: f64) {
        self.head("_total", labels, None);
        self.end(format_args!("{value}"));
    }

    /// A gauge's value; what is not a number is left out.
    pub(super) fn gauge(&mut self, labels: &[&str], value: f64) {
        if value.is_finite() {
            self.head("", labels, None);
            self.end(format_args!("{value}"));
        }
    }

    /// What its labels tell.
    pub(super) fn info(&mut self, labels: &[&str]) {
        self.head("_info", labels, None);
        self.end(format_args!("1"));
    }

    /// A sum and how many it was made of.
    pub(super) fn summary(&mut self, labels: &[&str], sum: f64, count: u64) {
        self.head("_sum", labels, None);
        self.end(format_args!("{sum}"));
        self.head("_count", labels, None);
        self.end(format_args!("{count}"));
    }

    /// All buckets, each with all that are below, then the sum and the count.
    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        let sum = histogram.sum();
        let mut count = 0;
        let bounds = histogram.bounds.shown.iter().copied().chain(["+Inf"]);
        for (bucket, (bound, more)) in bounds.zip(histogram.buckets()).enumerate() {
            count += more;
            self.head("_bucket", labels, Some(bound));
            let _ = write!(self.out.text, " {count}"); // a String takes everything
            let exemplar = histogram.exemplars.get(bucket, self.out.exemplars);
            if let (Format::OpenMetrics, Some(exemplar)) = (self.out.format, exemplar) {
                self.exemplar(&exemplar);
            }
            self.out.text.push('\n');
        }
        self.head("_sum", labels, None);
        self.end(format_args!("{sum}"));
        self.head("_count", labels, None);
        self.end(format_args!("{count}"));
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        let (gtxid, value) = (&exemplar.gtxid, exemplar.value);
        let (seconds, ms) = (exemplar.at / 1000, exemplar.at % 1000);
        let text = &mut self.out.text;
        let _ = write!(text, " # {{trace_id=\"{:032x}\"", exemplar.trace_id); // a String takes everything
        let told_apart = gtxid.as_trace_id() != Some(exemplar.trace_id);
        // OpenMetrics gives an example 128 characters for all its labels, and a caller's own id may have 64.
        if !told_apart || gtxid.as_str().len() <= LONGEST_BESIDE_SPAN {
            let _ = write!(text, ",span_id=\"{:016x}\"", exemplar.span_id); // the same
        }
        if told_apart {
            let _ = write!(text, ",gtxid=\"{gtxid}\""); // the same
        }
        let _ = write!(text, "}} {value} {seconds}.{ms:03}"); // the same
    }

    /// Name and labels of one line.
    fn head(&mut self, suffix: &str, labels: &[&str], bound: Option<&str>) {
        if !self.begun {
            self.begun = true;
            self.describe();
        }
        let text = &mut self.out.text;
        text.push_str(&self.name);
        text.push_str(suffix);
        let mut before = '{';
        let pairs = self
            .metric
            .labels
            .iter()
            .copied()
            .zip(labels.iter().copied());
        for (label, value) in pairs.chain(bound.map(|bound| ("le", bound))) {
            if value.is_empty() {
                continue; // as good as not there
            }
            text.push(before);
            before = ',';
            text.extend(label.chars().map(|c| if c == '.' { '_' } else { c }));
            text.push_str("=\"");
            escape(text, value, true);
            text.push('"');
        }
        if before == ',' {
            text.push('}');
        }
    }

    fn end(&mut self, value: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.out.text, " {value}"); // a String takes everything
    }

    fn describe(&mut self) {
        let (text, metric) = (&mut self.out.text, self.metric);
        let open = self.out.format == Format::OpenMetrics;
        let suffix = match metric.kind {
            Kind::Counter if !open => "_total",
            Kind::Info if !open => "_info",
            _ => "",
        };
        let kind = match metric.kind {
            Kind::Info if !open => Kind::Gauge,
            Kind::UpDownCounter => Kind::Gauge, // which Prometheus has no other word for
            kind => kind,
        };
        let (name, kind, unit) = (&self.name, kind.as_str(), metric.unit_name());
        let _ = writeln!(text, "# TYPE {name}{suffix} {kind}"); // a String takes everything
        if open && name.ends_with(unit) && !unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {unit}"); // the same
        }
        let _ = write!(text, "# HELP {name}{suffix} "); // the same
        escape(text, metric.help, open);
        text.push('\n');
    }
}

fn escape(text: &mut String, value: &str, quotes: bool) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::catalog::{BUILD, LIMIT, LOOPS, SERVER_DURATION};
    use super::*;
    use crate::txn::Gtxid;

    fn shown(format: Format) -> String {
        let mut out = Text::new(format, ExemplarFilter::AlwaysOn);
        let mut limits = out.family(&LIMIT);
        limits.gauge(&["a\"b\\c\nd", ""], 1.5);
        limits.gauge(&["x", "on"], f64::NAN);
        out.family(&LOOPS).counter(&[], 7);
        out.family(&BUILD).info(&["svc", "1", "2"]);
        drop(out.family(&SERVER_DURATION)); // of which nothing was recorded
        out.finish()
    }

    #[test]
    fn the_plain_text_is_the_one_of_version_0_0_4() {
        assert_eq!(
            shown(Format::Text),
            "# TYPE msa_limit gauge\n\
             # HELP msa_limit The adaptive concurrency limit, of a called service or of the server itself.\n\
             msa_limit{service=\"a\\\"b\\\\c\\nd\"} 1.5\n\
             # TYPE msa_loops_total counter\n\
             # HELP msa_loops_total Requests answered 508, since their LTXID was above the maximum.\n\
             msa_loops_total 7\n\
             # TYPE msa_build_info gauge\n\
             # HELP msa_build_info What is running.\n\
             msa_build_info{service_name=\"svc\",service_version=\"1\",msa_version=\"2\"} 1\n"
        );
    }

    #[test]
    fn openmetrics_names_families_without_suffix_and_ends_with_eof() {
        let text = shown(Format::OpenMetrics);
        assert!(text.contains("# TYPE msa_loops counter\n"), "{text}");
        assert!(text.contains("\nmsa_loops_total 7\n"), "{text}");
        assert!(text.contains("# TYPE msa_build info\n"), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn buckets_add_up_and_only_openmetrics_has_examples() {
        let histogram = Histogram::seconds_with_exemplars();
        for ms in [1, 30, 30, 20_000] {
            histogram.took(Duration::from_millis(ms));
        }
        let keep = |bucket, gtxid: Gtxid, at| {
            let exemplar = Exemplar {
                trace_id: 0xabc,
                span_id: 1,
                is_sampled: gtxid.as_trace_id().is_some(),
                gtxid,
                value: 0.03,
                at,
            };
            histogram.exemplars.offer(bucket, at, || Some(exemplar));
        };
        keep(3, Gtxid::from_u128(0xabc), 1_700_000_000_050);
        keep(14, "order-7".parse().unwrap(), 1_700_000_000_000);
        let filtered = |format, filter| {
            let mut out = Text::new(format, filter);
            let labels = ["GET", "http", "/", "200", ""];
            out.family(&SERVER_DURATION).histogram(&labels, &histogram);
            out.finish()
        };
        let text = |format| filtered(format, ExemplarFilter::AlwaysOn);
        let labels = "{http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/\",http_response_status_code=\"200\"";
        let name = "http_server_request_duration_seconds";
        let plain = text(Format::Text);
        for (bound, count) in [
            ("0.005", 1),
            ("0.025", 1),
            ("0.05", 3),
            ("10.0", 3),
            ("+Inf", 4),
        ] {
            let line = format!("\n{name}_bucket{labels},le=\"{bound}\"}} {count}\n");
            assert!(plain.contains(&line), "{line}{plain}");
        }
        assert!(
            plain.contains(&format!("\n{name}_sum{labels}}} 20.061\n")),
            "{plain}"
        );
        assert!(
            plain.contains(&format!("\n{name}_count{labels}}} 4\n")),
            "{plain}"
        );
        assert!(!plain.contains(" # {"), "{plain}");
        let open = text(Format::OpenMetrics);
        assert!(open.contains(&format!("# UNIT {name} seconds\n")), "{open}");
        let trace = "le=\"0.05\"} 3 # {trace_id=\"00000000000000000000000000000abc\",span_id=\"0000000000000001\"} 0.03 1700000000.050\n";
        assert!(open.contains(trace), "{open}");
        let own = "le=\"+Inf\"} 4 # {trace_id=\"00000000000000000000000000000abc\",span_id=\"0000000000000001\",gtxid=\"order-7\"} 0.03 1700000000.000\n";
        assert!(open.contains(own), "{open}");
        for (filter, examples) in [
            (ExemplarFilter::AlwaysOff, 0),
            (ExemplarFilter::TraceBased, 1),
            (ExemplarFilter::AlwaysOn, 2),
        ] {
            let text = filtered(Format::OpenMetrics, filter);
            assert_eq!(text.matches(" # {").count(), examples, "{filter:?}");
        }
    }
}
