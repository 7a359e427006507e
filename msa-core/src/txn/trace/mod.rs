//! Where a piece of work stands in its trace: the ids and lists of W3C Trace Context and W3C Baggage, as types.
//!
//! Only what the ids and lists are stands here; [`telemetry::propagation`](crate::telemetry::propagation) knows the headers that carry
//! them, and of several formats which to read and write.

mod baggage;
mod hex;
mod list;
mod span_context;
mod trace_state;

pub(crate) use baggage::percent_decoded;
pub use baggage::{Baggage, BaggageError};
pub(crate) use hex::{Hex, lower_hex};
pub use span_context::SpanContext;
pub use trace_state::TraceState;
