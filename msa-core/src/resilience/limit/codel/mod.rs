//! A short queue in front of a limit, which is kept short by how long people wait in it and not by its length alone.
//!
//! A queue takes up bursts. One that never empties takes up nothing: it makes everybody late and lets nobody more through.
//! [`CoDel`] tells the two apart, [`Queue`] applies it to requests, of which there are some that matter more:
//!
//! 1. **Bounded.** At most `length` wait. A full queue turns away who matters least: the newcomer, or one that waits and
//!    matters less.
//! 2. **Who goes first.** The highest [criticality](crate::txn::Criticality); in it the oldest. While the queue stands,
//!    the newest (`adaptive_lifo`, Facebook's "Fail at Scale", 2015): some are answered in time then, instead of all too late.
//! 3. **Who is shed.** Who has waited for `max_wait`; and whom the control law drops, the oldest of the lowest class first.
//! 4. **Who gives up** (the future is dropped) leaves the queue at once.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::limit::codel::{Push, Queue, QueueConfig};
//! use msa_core::txn::Criticality::{Background, Critical, Default};
//!
//! let now = clock::now();
//! let mut config = QueueConfig::default();
//! config.length = 2;
//! let mut queue = Queue::new(config);
//! let _ = queue.push(now, Background, "report");
//! let _ = queue.push(now, Default, "page");
//! // Full: the least important has to go.
//! assert!(matches!(queue.push(now, Critical, "login"), Push::Queued { evicted: Some("report"), .. }));
//! assert_eq!(queue.pop(queue.highest().unwrap()), Some("login"));
//! ```

mod law;
mod queue;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use law::CoDel;
pub use queue::{Push, Queue};

/// The settings of a [`Queue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// How many may wait; 0 is no queue. 100.
    pub length: usize,
    /// The longest wait that a good queue comes down to. 5 ms.
    pub target: Duration,
    /// How long it may take to come down to it. 100 ms.
    pub interval: Duration,
    /// Nobody waits longer. 100 ms.
    pub max_wait: Duration,
    /// Whether the newest go first while the queue stands. On.
    pub adaptive_lifo: bool,
}

impl QueueConfig {
    /// No queue.
    #[must_use]
    pub fn none() -> Self {
        Self {
            length: 0,
            ..Self::default()
        }
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            length: 100,
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
            max_wait: Duration::from_millis(100),
            adaptive_lifo: true,
        }
    }
}
