//! Whether a span that OpenTelemetry starts is recorded: as its trace is.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::ids;
use crate::telemetry::traces::Sampler;
use crate::txn::{self, SpanContext};

/// Our own spans are started only where the trace is sampled. A span of the program's own follows its parent, else the transaction
/// around it, else begins a trace.
#[derive(Debug, Clone)]
pub(super) struct Follow(pub(super) Sampler);

impl ShouldSample for Follow {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.filter(|context| context.span().span_context().is_valid());
        let yes = match parent {
            _ if ids::is_named() => true,
            Some(context) => context.span().span_context().is_sampled(),
            None => txn::with_current(|txn| self.0.decide(txn)).unwrap_or_else(|| {
                let id = u128::from_be_bytes(trace_id.to_bytes());
                SpanContext::new(id, 1).is_some_and(|span| self.0.takes(&span))
            }),
        };
        SamplingResult {
            decision: match yes {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: parent
                .map(|context| context.span().span_context().trace_state().clone())
                .unwrap_or_default(),
        }
    }
}
