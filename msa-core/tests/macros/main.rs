//! The policy attributes at work, on the paused clock.

#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod each;
mod forms;
mod handlers;
mod live;
