//! Why a call got no permit.

use std::time::Duration;

use crate::config::Span;

/// The bulkhead let nobody more in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// Every permit is taken, and there is no queue or the caller would not wait.
    #[error("all {max_concurrent} calls that the bulkhead allows at a time are under way")]
    NoPermit {
        /// Calls that are allowed at a time.
        max_concurrent: u32,
    },
    /// Every place in the queue is taken too.
    #[error(
        "all {max_concurrent} calls that the bulkhead allows are under way, and {max_queue} more wait already"
    )]
    QueueFull {
        /// Calls that are allowed at a time.
        max_concurrent: u32,
        /// Calls that may wait.
        max_queue: u32,
    },
    /// The call waited as long as it may.
    #[error("the bulkhead had no permit within {}", Span::new(*waited))]
    Waited {
        /// How long that was.
        waited: Duration,
    },
}
