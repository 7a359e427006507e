//! Trying again: whether, when, and how often.
//!
//! A retry hides a failure that passes: an instance that restarts, a connection that breaks, a destination that is busy for a
//! moment. Everything here bounds what retries cost when failures do *not* pass:
//!
//! * **what may be repeated**: what was certainly not processed, whatever its method; anything else only when it is
//!   [idempotent](is_idempotent) or marked so, its body is there still, and nothing of the response was handed out;
//! * **how often**: `max_retries`, the destination's [budget](super::budget), and the transaction's own, which bounds the retries of
//!   one request through all services together;
//! * **when**: after a [backoff](Backoff) spread by chance, or when the answer says ([`Wait`]), and never past the deadline;
//! * **not at all** when an answer says `x-txn-retry: never`. Whoever refuses a retry because a budget is spent says so upwards, so
//!   that attempts do not multiply: with three attempts at each of three hops one request would be 27, and is 3.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::retry::{Answer, Circumstances, Decision, Ending, Retry};
//!
//! let retry = Retry::default().max_retries(1);
//! let circumstances = Circumstances::default();
//!
//! // The core has no I/O: it is told how an attempt ended, and answers.
//! let mut call = retry.begin(clock::now());
//! let busy = Ending::from(Answer::status(503));
//! assert!(matches!(call.after(&busy, &circumstances, clock::now), Decision::Retry { .. }));
//! call.started();
//! assert!(matches!(call.after(&busy, &circumstances, clock::now), Decision::Refused(_)));
//! ```
//!
//! Around a function it is [`Retry::around`], in a tower stack [`RetryLayer`].
//!
//! # After what
//!
//! | the attempt ended | default | request may have been processed |
//! | --- | --- | --- |
//! | no connection, stream refused, graceful GOAWAY, closed while idle | retried, at first without a wait | no: any method |
//! | connection broken, attempt timeout | retried | yes: idempotent ones only |
//! | 429, 502, 503, 504 | retried | yes: idempotent ones only |
//! | any other status | not retried | |
//! | refused on this side: open breaker, full bulkhead | not retried | |
//!
//! # Settings
//!
//! `client.retry`, or `clients.<name>.retry` for one destination; all of them live.
//!
//! | key | default | meaning |
//! | --- | --- | --- |
//! | `max_retries` | 2 | attempts after the first |
//! | `on` | `connect-failure`, `refused-stream`, `reset`, `attempt-timeout`, 429, 502, 503, 504 | [`Conditions`] |
//! | `backoff.kind` | `full-jitter` | [`Backoff`] |
//! | `backoff.base`, `backoff.max` | 25 ms, 1 s | the first limit and the last |
//! | `max_duration` | none | no retry starts later |
//! | `replay_limit` | 64 KiB | how much of a streamed body is kept for a replay |
//! | `budget.kind` | `window` | [`Budget`](super::budget::Budget) |
//! | `budget.ratio`, `budget.min_per_second`, `budget.window` | 20 %, 10, 10 s | [`WindowBudget`](super::budget::WindowBudget) |
//! | `budget.max_tokens`, `budget.token_ratio` | 10, 0.1 | [`RetryThrottle`](super::budget::RetryThrottle) |
//! | `dark` | `false` | decides and reports only |

mod backoff;
mod call;
mod conditions;
mod decision;
mod draw;
mod ending;
mod future;
mod idempotent;
mod judge;
mod layer;
mod policy;
mod run;
mod service;

pub use backoff::{Backoff, Delays, Jitter};
pub use call::{Circumstances, RetryCall};
pub use conditions::Conditions;
pub use decision::Decision;
pub(crate) use ending::retry_after;
pub use ending::{Answer, Ending, Wait};
pub use future::RetryFuture;
pub use idempotent::{IDEMPOTENCY_KEY, is_idempotent};
pub use judge::{Judge, OnErr, OverHttp, When};
pub use layer::RetryLayer;
pub use policy::Retry;
pub use run::Around;
pub use service::RetryService;
