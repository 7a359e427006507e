//! A further attempt beside one that takes long: whichever answers first is the answer.
//!
//! One slow instance, one lost packet, one pause of a garbage collector, and one call in a hundred takes a hundred times as long. A
//! retry comes too late for it, since nothing has failed. A hedge asks a second instance once the first has taken longer than most
//! answers do. Dean and Barroso ("The Tail at Scale", 2013) report 99.9th percentiles from 1,800 ms down to 74 ms for 2 % more
//! requests.
//!
//! Use it for reads whose tail hurts and whose destination has room. Never when:
//!
//! * the request is not idempotent: it may well be processed twice;
//! * the delay is unknown: a percentile needs at least [`Digest::ENOUGH`] answers;
//! * the hedge's own [budget](super::budget), 10 % of the calls and 1/s by default, or the transaction's, or a breaker says no. A destination that has
//!   become slow as a whole gets 1.1 times its load and not twice. The budget wants room above what the percentile asks for:
//!   with 5 % for the 95th percentile every burst of slow answers finds it empty (`docs/resilience.md`).
//!
//! Losers are dropped, which cancels them. The call counts once, in the budget and for its caller. A failure waits for the attempts that
//! still run; only when none runs it is the call's, and [retries](super::retry) are for it.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::resilience::hedge::Hedge;
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//!
//! let hedge = Hedge::after(Duration::from_millis(20));
//! let answer = hedge
//!     .around("stock")
//!     .run(|attempt| async move {
//!         let takes = if attempt == 1 { 5000 } else { 10 }; // the first meets a slow instance
//!         tokio::time::sleep(Duration::from_millis(takes)).await;
//!         Ok::<_, std::io::Error>(attempt)
//!     })
//!     .await?;
//! assert_eq!(answer, 2);
//! # Ok::<(), std::io::Error>(()) }).unwrap();
//! ```
//!
//! # Settings
//!
//! `client.hedge`, or `clients.<name>.hedge`; all of them live.
//!
//! | key | default | meaning |
//! | --- | --- | --- |
//! | `enabled` | `false` | whether idempotent calls are hedged |
//! | `percentile` | 95 % | the further attempt starts when the first takes longer than this share of answers did |
//! | `delay` | none | a fixed wait instead |
//! | `min_delay` | 1 ms | the shortest wait that a percentile may lead to |
//! | `max_extra` | 1 | the most attempts beside the first |
//! | `budget` | 10 %, 1/s, 10 s | as that of [retries](super::retry) |
//! | `dark` | `false` | decides and reports only |

mod call;
mod digest;
mod layer;
mod policy;
mod run;
mod service;

pub use call::{HedgeCall, HedgeDecision, HedgeRefusal};
pub use digest::Digest;
pub use layer::HedgeLayer;
pub use policy::Hedge;
pub use run::AroundHedged;
pub use service::HedgeService;
