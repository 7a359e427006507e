//! Bulkhead: only so many calls at a time, so that one slow destination cannot take every task and connection.
//!
//! A call takes a [`Permit`], and gives it back by dropping it. When none is free the call waits in a bounded queue, first come
//! first served, or is refused at once, which is the default: a queue in front of a slow destination mostly adds waiting.
//! The name is from M. Nygard, *Release It!*; Hystrix, resilience4j and MicroProfile have the same policy.
//!
//! ```
//! use msa_core::resilience::bulkhead::{Bulkhead, BulkheadConfig, Full};
//!
//! let bulkhead = Bulkhead::new(BulkheadConfig::default().max_concurrent(1));
//! let permit = bulkhead.try_acquire()?;
//! assert_eq!(bulkhead.try_acquire().unwrap_err(), Full::NoPermit { max_concurrent: 1 });
//! drop(permit); // the call is over
//! assert_eq!(bulkhead.available(), 1);
//! # Ok::<(), Full>(())
//! ```
//!
//! # Settings
//!
//! | key below `client` | default | meaning |
//! | --- | --- | --- |
//! | `bulkhead.enabled` | `true` | whether calls are counted and refused |
//! | `bulkhead.max_concurrent` | `1024` | calls at a time |
//! | `bulkhead.max_queue` | `0` | calls that may wait for a permit |
//! | `bulkhead.max_wait` | `0s` | the longest that one waits; `0s` is until its deadline |
//! | `bulkhead.dark` | `false` | reports what it would refuse, and lets it through |
//!
//! # How it counts
//!
//! Running and waiting calls are two halves of one atomic word, so taking a free permit and giving it back while nobody waits is
//! one compare-and-swap each. Only a call that has to wait, and a permit that goes to one, take a lock. A permit goes straight from
//! hand to hand: a call that comes later can never overtake one that waits, and a waiter that goes away passes on what it
//! was given.

mod bulkhead;
mod error;
mod layer;
mod permit;
mod queue;
mod service;
mod settings;
mod wait;

pub use bulkhead::{Bulkhead, BulkheadConfig};
pub use error::Full;
pub use layer::{BulkheadBody, BulkheadLayer};
pub use permit::{OwnedPermit, Permit};
pub use service::{BulkheadFuture, BulkheadService};
pub use wait::Acquire;

#[cfg(all(test, msa_loom))]
mod loom_tests;
#[cfg(all(test, not(msa_loom)))]
mod tests;
