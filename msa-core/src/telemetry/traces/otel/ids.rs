//! The ids of spans that OpenTelemetry starts.

use std::cell::Cell;

use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

use crate::txn::{self, Minter, SpanContext};

thread_local! {
    /// What the span that is started now is called.
    static NAMED: Cell<Option<SpanContext>> = const { Cell::new(None) };
}

/// Gives our own spans the ids that the transaction gave them, which travel in headers and stand in log lines with or without a
/// recorder; a span of the program's own that begins a trace inside a transaction gets the transaction's trace id.
#[derive(Debug)]
pub(super) struct Ids;

/// Starts one span that has these ids.
pub(super) fn named<R>(span: SpanContext, start: impl FnOnce() -> R) -> R {
    NAMED.set(Some(span));
    let started = start();
    NAMED.set(None);
    started
}

/// Whether one of our own spans is being started.
pub(super) fn is_named() -> bool {
    NAMED.get().is_some()
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let id = NAMED
            .get()
            .or_else(|| txn::with_current(txn::Txn::span))
            .map_or_else(random, |span| span.trace_id());
        TraceId::from(id)
    }

    fn new_span_id(&self) -> SpanId {
        let id = NAMED.get().map(|span| span.span_id());
        SpanId::from(id.unwrap_or_else(|| Minter::default().span_id()))
    }
}

fn random() -> u128 {
    let minted = Minter::default().mint(crate::clock::unix_ms());
    minted.as_trace_id().unwrap_or(1)
}
