//! Which traces are recorded.

use crate::config::{Percent, TraceSampler, TracesSettings};
use crate::txn::{SpanContext, Txn};

/// Decides whether a trace is sampled, by `telemetry.traces.sampler`.
///
/// It decides without an exporter too: its decision travels in the flags of `traceparent`, and services below that heed their parent
/// record nothing of a trace that this one says is not sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    heeds_parent: bool,
    share: Percent,
}

impl Default for Sampler {
    /// As the caller decided; all that begin here.
    fn default() -> Self {
        Self::new(&TracesSettings::default())
    }
}

impl Sampler {
    /// That of these settings.
    #[must_use]
    pub fn new(settings: &TracesSettings) -> Self {
        let (heeds_parent, share) = match settings.sampler {
            TraceSampler::AlwaysOn => (false, Percent::ALL),
            TraceSampler::AlwaysOff => (false, Percent::ZERO),
            TraceSampler::TraceIdRatio => (false, settings.sampler_arg),
            TraceSampler::ParentbasedAlwaysOn => (true, Percent::ALL),
            TraceSampler::ParentbasedAlwaysOff => (true, Percent::ZERO),
            TraceSampler::ParentbasedTraceIdRatio => (true, settings.sampler_arg),
        };
        Self {
            heeds_parent,
            share,
        }
    }

    /// Whether the trace of a transaction is sampled: as its caller decided, if it did and that counts here. Once decided it stays.
    pub fn decide(&self, txn: &Txn) -> bool {
        txn.is_sampled(|span| self.takes(span))
    }

    /// Decides for a request that has come just now, over its caller's decision where that does not count.
    pub(crate) fn decide_anew(&self, txn: &Txn) -> bool {
        if !self.heeds_parent {
            txn.set_sampled(self.takes(&txn.span()));
        }
        self.decide(txn)
    }

    /// As OpenTelemetry's `TraceIdRatioBased`: the low 8 bytes of a trace id are a random number, the same at every service.
    pub(super) fn takes(&self, span: &SpanContext) -> bool {
        let drawn = span.trace_id() & u128::from(u64::MAX);
        // share = millionths / 1,000,000 of 2^64
        drawn * u128::from(Percent::ALL.millionths()) < (u128::from(self.share.millionths()) << 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::{Incoming, Minter};

    fn sampler(name: TraceSampler, percent: u8) -> Sampler {
        Sampler::new(&TracesSettings {
            sampler: name,
            sampler_arg: Percent::new(percent),
            ..TracesSettings::default()
        })
    }

    fn asked(sampled: Option<bool>, mint: &Minter) -> Txn {
        let incoming = Incoming {
            sampled,
            ..Incoming::default()
        };
        Txn::from_incoming(&incoming, || mint.mint(0), None, crate::clock::now())
    }

    #[tokio::test(start_paused = true)]
    async fn the_callers_decision_counts_where_the_sampler_heeds_it() {
        use TraceSampler::*;
        let mint = Minter::seeded(1);
        for (name, said, expected) in [
            (ParentbasedAlwaysOn, None, true),
            (ParentbasedAlwaysOn, Some(false), false),
            (ParentbasedAlwaysOff, None, false),
            (ParentbasedAlwaysOff, Some(true), true),
            (AlwaysOn, Some(false), true),
            (AlwaysOff, Some(true), false),
        ] {
            let txn = asked(said, &mint);
            assert_eq!(
                sampler(name, 100).decide_anew(&txn),
                expected,
                "{name:?} {said:?}"
            );
            assert_eq!(txn.span().is_sampled(), expected);
        }
    }

    #[test]
    fn a_ratio_takes_its_share_and_the_same_ones_everywhere() {
        let mint = Minter::seeded(2);
        let (ten, half) = (
            sampler(TraceSampler::TraceIdRatio, 10),
            sampler(TraceSampler::ParentbasedTraceIdRatio, 50),
        );
        let spans: Vec<_> = (0..10_000)
            .map(|_| Txn::root(mint.mint(0)).span())
            .collect();
        let taken = |sampler: &Sampler| spans.iter().filter(|span| sampler.takes(span)).count();
        // Within four standard deviations of a binomial distribution.
        assert!((880..=1120).contains(&taken(&ten)), "{}", taken(&ten));
        assert!((4800..=5200).contains(&taken(&half)), "{}", taken(&half));
        assert!(
            spans
                .iter()
                .all(|span| !ten.takes(span) || half.takes(span))
        );
        let max = SpanContext::new(u128::MAX, 1).unwrap();
        assert!(sampler(TraceSampler::AlwaysOn, 0).takes(&max));
        let least = SpanContext::new(1 << 64, 1).unwrap();
        assert!(!sampler(TraceSampler::AlwaysOff, 100).takes(&least));
    }

    #[test]
    fn a_decision_stays() {
        let txn = Txn::begin();
        assert!(sampler(TraceSampler::AlwaysOn, 0).decide(&txn));
        assert!(sampler(TraceSampler::AlwaysOff, 0).decide(&txn.without_deadline()));
    }
}
