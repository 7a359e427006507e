//! Fallback: what the caller gets instead when a call fails.
//!
//! | substitute | stands in with |
//! | --- | --- |
//! | [`value`] | a value that is always the same |
//! | [`function`] | what a function makes of the failure: another source, a default, another error |
//! | [`StaleCache::of`] | the last good answer for the same key, no older than allowed |
//! | [`Value::or`], of all of them | the first of two that has something |
//! | [`Value::only_when`], of all of them | nothing but for failures that a condition picks |
//!
//! A fallback hides a failure, so it is told as [`Event::FellBack`](crate::event::Event::FellBack), and a program should say to its own
//! callers that an answer is not fresh. What it does must be cheaper and surer than the call itself: another network call in a
//! fallback is a second dependency without a policy of its own.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::config::Size;
//! use msa_core::resilience::fallback::{self, StaleCache, Substitute as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let prices = StaleCache::new(Duration::from_secs(60), Size::mib(1));
//! let fallback = prices.of("sku-1").or(fallback::value(0));
//!
//! let now = clock::now();
//! let failed = || Err::<u32, _>("503");
//! assert_eq!(fallback.settle(failed(), now).await.0, Ok(0)); // nothing is known yet
//! fallback.settle(Ok::<_, &str>(7), now).await; // a good answer is kept
//! assert_eq!(fallback.settle(failed(), now).await, (Ok(7), Some("stale")));
//! # }
//! ```
//!
//! # Settings
//!
//! | key below `client` | default | meaning |
//! | --- | --- | --- |
//! | `fallback.stale_for` | `0s`: off | how old an answer may be that stands in |
//! | `fallback.stale_bytes` | `16MiB` | how much of them is kept |
//!
//! Values and functions are given in the program.

mod layer;
mod service;
mod stale;
mod substitute;

pub use layer::FallbackLayer;
pub use service::FallbackService;
pub use stale::{Stale, StaleCache, StaleOf};
pub use substitute::{
    Function, NoFallback, OnlyWhen, Or, Stood, Substitute, Value, function, value,
};

#[cfg(all(test, not(msa_loom)))]
mod tests;
