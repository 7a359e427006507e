//! Deadlines: how long a call may take, who said so, and what happens when the time is over.
//!
//! A [`Deadline`] is a moment and the name of the [`Limit`] that set it. It is *inherited*: whoever serves a request that comes with a
//! time limit cannot take longer for the calls of it. It can only be *shortened*, never extended. It is checked before work
//! begins, and work that it cuts off is dropped, down to the connection. Whatever runs within it inherits it in turn.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::timeout::{Deadline, Limit};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let total = Deadline::after(clock::now(), Duration::from_millis(300), Limit::Total);
//! let late = total.guard(std::future::pending::<()>()).await.unwrap_err();
//! assert_eq!((late.limit, late.after), (Limit::Total, Duration::from_millis(300)));
//! assert_eq!(late.to_string(), "no answer within the total timeout of 300ms");
//! # }
//! ```
//!
//! # Settings
//!
//! | key below `client` | default | meaning |
//! | --- | --- | --- |
//! | `timeout` | `10s` | a whole call: its attempts, the waits between them, and the body |
//! | `attempt_timeout` | `3s` | one attempt up to the response's headers |
//!
//! # Cost
//!
//! A timer is armed by the first poll that has to wait, so work that is ready at once costs no timer.

mod deadline;
mod error;
mod guarded;
mod inherited;
mod layer;
mod service;

pub use deadline::{Deadline, Limit};
pub use error::Elapsed;
pub use guarded::Guarded;
pub use layer::TimeoutLayer;
pub use service::{TimeoutFuture, TimeoutService};

#[cfg(all(test, not(msa_loom)))]
mod tests;
