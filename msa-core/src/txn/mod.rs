//! The transaction: which piece of work a request belongs to, across servers and inside one.
//!
//! A transaction begins at the first service that a request reaches. That service mints a **GTXID**, which every
//! service below keeps, and an **LTXID** of 1, which every crossing to another server raises by one: it counts hops. The
//! **branch** names the one call among all: the k-th call that branch `B` makes is `B.k`.
//!
//! Between servers the context travels in headers ([`Headers`] reads and writes them); inside one it is a task-local
//! ([`current`], [`scope`]) and a request extension. A new task does not inherit a task-local, so use [`spawn`],
//! [`spawn_blocking`] and [`JoinSet`] of this module; a streaming body is polled outside of the handler, so
//! [`TxnBody`] carries the context there.
//!
//! ```
//! use msa_core::txn::{self, Headers, Txn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let txn = Txn::begin();
//! txn::scope(txn, async {
//!     let call = txn::current().unwrap().next_call();
//!     let mut headers = http::HeaderMap::new();
//!     Headers::default().inject(&call, 1, None, &mut headers);
//!     assert_eq!(headers["x-ltxid"], "2");
//!     assert_eq!(headers["x-txn-branch"], "1.1");
//! })
//! .await;
//! # });
//! ```
//!
//! # The headers
//!
//! | header | value | meaning |
//! | --- | --- | --- |
//! | `x-gtxid` | `[0-9A-Za-z._-]{1,64}`; minted as 32 hex digits | the transaction, returned on every response |
//! | `x-ltxid` | decimal, 1 at the first service | the hop |
//! | `x-txn-branch` | `1`, `1.2`, `1.2.1` | the call |
//! | `x-txn-attempt` | decimal from 1 | which try of the call |
//! | `x-txn-timeout-ms` | decimal | the time left when it was sent; relative, so clocks need not agree |
//! | `x-txn-retries` | decimal, 2 at the edge | retries that may still be spent below |
//! | `x-txn-retry: never` | on a response | what there was for retries is spent, or the request was shed: nobody above tries again |
//! | `x-msa-criticality` | `critical`, `default`, `sheddable`, `background` | who is shed first |
//!
//! `grpc-timeout` and `x-envoy-expected-rq-timeout-ms` are read as well; the shortest of the three counts.
//! A `traceparent` lends its trace id to a request that has no GTXID.
//!
//! # The trace
//!
//! Every transaction stands in a trace, with or without a tracing backend: [`Txn::span`] is the span of this service's work on it. Its
//! trace id is that of the caller's `traceparent` (or B3 headers, where [configured](crate::telemetry::propagation)), else the GTXID when
//! that has the form of a trace id, as a minted one has, else 128 bits that follow from the GTXID. [`Call::span`] and
//! [`Call::attempt_span`] are the spans below it; their ids follow from the request's span, the number of the call and that of the
//! attempt, so that a seed repeats them.

mod body;
mod branch;
mod call;
mod context;
mod criticality;
mod decimal;
mod gtxid;
mod headers;
mod incoming;
mod ltxid;
mod mint;
mod scope;
mod spawn;
mod trace;
mod trust;

pub use body::TxnBody;
pub use branch::{Branch, BranchError};
pub use call::Call;
pub use context::{DEFAULT_RETRIES, Txn};
pub use criticality::{Criticality, CriticalityError};
pub(crate) use decimal::Decimal;
pub use gtxid::{Gtxid, GtxidError};
pub use headers::Headers;
pub use incoming::{Incoming, Rejected};
pub use ltxid::{Ltxid, LtxidError};
pub use mint::Minter;
pub use scope::{current, scope, sync_scope, with_current};
pub use spawn::{JoinSet, spawn, spawn_blocking};
pub(crate) use trace::percent_decoded;
pub use trace::{Baggage, BaggageError, SpanContext, TraceState};
pub(crate) use trace::{Hex, lower_hex};
pub use trust::Trust;
