//! Telemetry: what a service tells of itself. Its logs, its [`metrics`], the [`journal`] of its transactions, and its traces
//! ([`traces`], carried on by [`propagation`]).
//!
//! Logs go to standard output as an event stream, one line an event: JSON for machines, text when standard output is a
//! terminal (`log.format`). Every line that is written inside a request carries the transaction:
//!
//! ```json
//! {"timestamp":"2026-05-01T12:00:00.123456Z","level":"INFO","target":"msa::access","service":"user-service",
//!  "gtxid":"0196…","ltxid":2,"branch":"1.1","trace_id":"0196…","span_id":"9f38…","message":"request","method":"GET","route":"/users/{id}","status":200,"ms":1.2}
//! ```
//!
//! [`PolicyLog`] writes what the policies decide: retries, breaker transitions, ejections, fallbacks.
//!
#![doc = include_str!("../../docs/opentelemetry.md")]

mod events;
pub(crate) mod export;
pub mod journal;
mod json;
mod levels;
mod log;
pub mod metrics;
mod number;
mod output;
mod pretty;
pub mod propagation;
mod sensitive;
mod timestamp;
pub mod traces;

pub use events::PolicyLog;
pub use export::ExportError;
pub use levels::{ChangedLevel, LevelError, Levels};
pub use log::{LogError, Logs};
pub(crate) use sensitive::Sensitive;
