//! Request coalescing: identical calls in flight share one answer (single flight).
//!
//! The first caller with a key does the work; those who come with the same key before it is done wait for its answer. After that the
//! next caller begins anew: this is no cache. It spares a slow source the stampede when something popular has just expired.
//!
//! A caller that goes away does not take the others along: when the one who works is dropped, or panics, one of those who wait does
//! the work instead. Each waits under its own deadline. A failure is shared like any other answer: whoever wants to try again
//! does so as part of the work.
//!
//! Coalesce only what is safe to share: reads, and with everything in the key that the answer depends on, who asks included.
//!
//! ```
//! use msa_core::resilience::coalesce::{Role, SingleFlight};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let flights = SingleFlight::<u64, String>::new();
//! let fetch = async || { tokio::task::yield_now().await; "a banner".to_owned() };
//! let (one, two) = tokio::join!(flights.run(7, fetch), flights.run(7, fetch));
//! assert_eq!(one, ("a banner".to_owned(), Role::Led));
//! assert_eq!(two, ("a banner".to_owned(), Role::Joined));
//! # }
//! ```
//!
//! # Settings
//!
//! | key below `client` | default | meaning |
//! | --- | --- | --- |
//! | `coalesce` | `false` | whether identical `GET`s in flight share one answer |

mod flight;
mod layer;
mod service;
mod wait;

pub use flight::{Role, SingleFlight};
pub use layer::CoalesceLayer;
pub use service::{CoalesceService, SharedError};

#[cfg(all(test, not(msa_loom)))]
mod tests;
