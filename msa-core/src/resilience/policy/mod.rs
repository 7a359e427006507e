//! The pipeline: several policies around one `async fn`, in an order that is fixed.
//!
//! ```
//! use msa_core::resilience::breaker::Breaker;
//! use msa_core::resilience::policy::Policy;
//! use msa_core::resilience::retry::Retry;
//!
//! # #[derive(Debug, thiserror::Error)] #[error("no stock")] struct NoStock;
//! # async fn fetch_stock(sku: u64) -> Result<u64, NoStock> { Ok(sku) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sku = 7;
//! let stock = Policy::builder("stock").timeout("300ms".parse()?).retry(Retry::default()).breaker(Breaker::default()).build()?;
//! let n = stock.call(|| fetch_stock(sku)).await?;
//! # assert_eq!(n, 7);
//! # Ok(())
//! # }
//! ```
//!
//! # The order
//!
//! Outermost first. What is not configured costs nothing.
//!
//! | step | why there |
//! | --- | --- |
//! | total deadline | the sooner of the inherited one and the policy's own; covers everything below |
//! | [fallback](super::fallback) | sees how all of it ended; the time being over too, if it is ready at once |
//! | [cache](super::cache), [coalescing](super::coalesce) | who finds an answer, or only waits for another's, takes no permit |
//! | [bulkhead](super::bulkhead) | one permit a call, however many attempts; held while waiting between them, so that a slow destination cannot pile up calls that all wait |
//! | rate limit | one permit a call |
//! | [retry](super::retry) | each attempt passes everything below anew |
//! | [hedge](super::hedge) | of each attempt; each further one passes everything below as well |
//! | [breaker](super::breaker), [throttle](super::throttle) | judge single attempts |
//! | attempt timeout | the sooner of it and the total deadline |
//!
//! A call that is cut off by a time limit is a failure to the breaker, whoever set the limit; one that is dropped by its caller is
//! cancelled, and counts neither way.
//!
//! # One call's own
//!
//! [`Policy::with`] adds what depends on the call: a fallback, a key by which answers are kept or coalesced, what counts as a failure,
//! whether it may be repeated.
//!
//! # Live
//!
//! [`Policies`] is a registry by name. `policies."stock".retry.max_retries = 3` in the configuration overrides what the program
//! built, key by key, and takes it back when the key goes; `policies."stock".enabled = false` takes the whole policy away. State stays: an
//! open breaker is still open, permits are still taken. A [`Service`](crate::Service) has a registry, and applies its configuration to it.
//!
//! # Functions
//!
//! A [`LazyPolicy`] is the policy of a function, as a `static` beside it; the [attributes](crate::attribute) expand to it. A function's error
//! type takes up what a policy refuses as a [`Refused`].
//!
//! # Cost
//!
//! A call whose future is ready at its first poll reads the clock twice, allocates nothing, arms no timer and takes no lock.

mod builder;
mod call;
mod error;
mod layer;
mod lazy;
mod overrides;
mod parts;
mod policy;
mod refused;
mod registry;
mod run;
mod service;
mod share;
mod stores;

pub use builder::{PolicyBuildError, PolicyBuilder};
pub use call::PolicyCall;
pub use error::{Attempt, Cause, PolicyError, PolicyErrorKind};
pub use layer::PolicyLayer;
pub use lazy::LazyPolicy;
pub use policy::Policy;
pub use refused::{FromRefused, Refused};
pub use registry::Policies;
pub use service::PolicyService;
pub use share::{Alone, Came, Kept, KeptAlone, Share, Shared, Stale};

#[cfg(all(test, not(msa_loom)))]
mod tests;
