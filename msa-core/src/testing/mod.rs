//! The kit for the tests of services that are built with msa (feature `test-util`).
//!
//! | piece | what it is |
//! | --- | --- |
//! | [`Network`] | services in memory: axum routers and scripts, found by name and called without a socket |
//! | [`Instance`] | one of them, to be killed, cut off, healed, and taken out of discovery |
//! | [`Script`] | an upstream that answers as it is told: status, delay, reset, hang, stalled body |
//! | [`ScriptedServer`] | the same script behind a real socket on loopback |
//! | [`ClosedPort`] | an address that refuses every connection |
//! | [`Recorder`] | keeps the events, so that a test can ask which attempts there were |
//! | [`mock`] | what the mocks of `#[service_client]` are made of |
//! | [`advance`] | moves the paused clock, timer by timer |
//! | [`polled`] | drops a future at any of its await points |
//!
//! # A paused clock
//!
//! `#[tokio::test(start_paused = true)]` stops tokio's clock, which is the one that msa reads. It then jumps to the next
//! timer whenever all tasks wait for one: a test of a timeout of ten seconds takes no time, and always the same course.
//! It goes with the [`Network`] only. Waiting for a socket looks like idling to a paused clock, so it would run ahead of the
//! answers; with a [`ScriptedServer`] let the clock run.
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, routing::get};
//! use msa_core::client::{CallError, CallErrorKind, CallOptions};
//! use msa_core::clock;
//! use msa_core::testing::{Network, Recorder, Script, Step};
//!
//! // #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn a_hanging_service_costs_the_attempt_timeout() -> Result<(), Box<dyn std::error::Error>> {
//!     let stock = Script::new([Step::status(200).body("7"), Step::hang()]);
//!     let network = Network::new()
//!         .service("user-service", Router::new().route("/users/{id}", get(|| async { "Ada" })))
//!         .service("stock-service", stock.clone());
//!     let recorder = Recorder::new();
//!     let client = network.client_builder().observer(recorder.clone()).build()?;
//!
//!     assert_eq!(client.get("http://user-service/users/7").send().await?.text().await?, "Ada");
//!     assert_eq!(client.get("http://stock-service/1").send().await?.text().await?, "7");
//!
//!     let start = clock::now();
//!     let once = client.get("http://stock-service/1").with_extension(CallOptions::new().max_retries(0));
//!     let error = once.send().await.unwrap_err();
//!     assert_eq!(CallError::from(error).kind(), CallErrorKind::AttemptTimeout);
//!     assert_eq!(clock::since(start), Duration::from_secs(3)); // and none of yours
//!     assert_eq!(stock.attempts(), 2);
//!     assert_eq!(recorder.attempts()[1].to_string(), "1 stock-service stock-service-1.test:80 200");
//!     Ok(())
//! }
//! # a_hanging_service_costs_the_attempt_timeout().unwrap();
//! ```

mod closed_port;
pub mod mock;
mod network;
mod polls;
mod recorder;
mod script;
mod scripted_server;
mod time;

pub use closed_port::ClosedPort;
pub use network::{Instance, Network, Upstream};
pub use polls::polled;
pub use recorder::{Attempt, Recorded, RecordedOutcome, Recorder};
pub use script::{Script, Seen, Step};
pub use scripted_server::ScriptedServer;
pub use time::advance;

#[cfg(test)]
mod tests;
