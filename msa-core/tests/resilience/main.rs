//! The policies in their places in the outbound stack: through a `ServiceClient`, in memory, on the paused clock.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

mod admission;
mod answers;
mod breaker;
#[cfg(feature = "fault")]
mod faults;
mod given_up;
mod hedging;
mod layers;
mod retries;
mod server;
mod support;
