//! What the policy attributes expand to: public functions and traits, so that whoever dislikes macros writes the same by hand.
//!
//! `#[retry]`, `#[circuit_breaker]`, `#[bulkhead]`, `#[rate_limit]`, `#[timeout]`, `#[fallback]`, `#[hedge]` and `#[cached]` on one
//! function become one [`LazyPolicy`](crate::resilience::policy::LazyPolicy) and one call under it. This
//!
//! ```
//! # #[cfg(feature = "macros")]
//! # mod m {
//! use msa_core::prelude::*;
//! use msa_core::{retry, timeout};
//!
//! #[retry(max = 3)]
//! #[timeout("300ms")]
//! async fn fetch_stock(sku: u64) -> Result<u64, Problem> {
//!     Ok(sku)
//! }
//! # }
//! ```
//!
//! is this:
//!
//! ```
//! use msa_core::attribute::{again, returns};
//! use msa_core::config::{RetrySettings, Span};
//! use msa_core::prelude::*;
//! use msa_core::resilience::policy::LazyPolicy;
//!
//! async fn fetch_stock(sku: u64) -> Result<u64, Problem> {
//!     static POLICY: LazyPolicy = LazyPolicy::new(concat!(module_path!(), "::fetch_stock"), |settings| {
//!         let retry = settings.retry.get_or_insert_with(RetrySettings::of_function);
//!         retry.max_retries = 3;
//!         settings.timeout = Some(Span::millis(300));
//!     });
//!     msa_core::register_policy!(POLICY);
//!     POLICY
//!         .with()
//!         .returning::<Result<u64, Problem>>()
//!         .run(|| {
//!             let sku = again(&sku);
//!             async move {
//!                 if let Some(never) = returns::<Result<u64, Problem>>() {
//!                     return never; // tells the compiler what the block returns
//!                 }
//!                 Ok(sku)
//!             }
//!         })
//!         .await
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Problem> {
//! # assert_eq!(fetch_stock(7).await?, 7);
//! # Ok(())
//! # }
//! ```
//!
//! # What counts as a failure
//!
//! | the function returns | failures, for the breaker | tried again |
//! | --- | --- | --- |
//! | `Result<_, Problem>` | errors of status 500 and above | the same, unless they say `never_retry` |
//! | `Result<_, CallError>` | what says that the callee failed: no answer, or an answer of 500 and above | the same, unless it was refused here |
//! | `Result<_, Box<dyn Error + Send + Sync>>` | by the `CallError` or `Problem` in its chain; without one, every error | the same |
//! | `Result<_, E>` | every error | every error |
//! | `impl IntoResponse`, `Response` | answers of status 500 and above | the same |
//!
//! [`Transient`] judges an error type of one's own by the `CallError` or `Problem` that it wraps:
//! `#[retry(when = msa_core::attribute::Transient)]`. Which statuses are tried again is the setting `retry.on`; of a function it is `5xx`
//! unless the configuration says otherwise.

mod again;
mod instead;
mod judge;
mod returned;

pub use again::{Again, Keep, KeepAlone, KeyPart, again, kept, kept_alone, key_part};
pub use axum::response::Response;
pub use instead::{Given, Instead, StandsIn, ValueOf, given, value};
pub use judge::{ByKind, ByStatus, Transient, Verdict, When, when};
pub use returned::{FailedResponse, Returned, respond, returns};
