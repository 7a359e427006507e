//! The phases of a process's life.
//!
//! One word that every request reads and that changes five times in a process's life, so it is an atomic: a `watch`
//! channel takes a lock to read. Those who wait for a change use the `Notify` beside it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// Where a process stands between its start and its end. The order is that of life, and there is no way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Not ready yet.
    Starting,
    /// Takes requests.
    Ready,
    /// Told to end: not ready any more, but still takes and answers requests while callers learn to go elsewhere.
    Draining,
    /// The main listener is closed; requests in flight may finish.
    Closing,
    /// No request is in flight any more.
    Stopped,
}

impl Phase {
    /// The phase in lower case, as probes and logs show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Closing => "closing",
            Self::Stopped => "stopped",
        }
    }

    const fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Starting,
            1 => Self::Ready,
            2 => Self::Draining,
            3 => Self::Closing,
            _ => Self::Stopped,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The phase of one process, shared by all who read or move it; cheap to clone.
#[derive(Clone)]
pub struct Lifecycle(Arc<Shared>);

struct Shared {
    phase: AtomicU8,
    changed: Notify,
}

impl Lifecycle {
    /// A process that starts.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            phase: AtomicU8::new(Phase::Starting as u8),
            changed: Notify::new(),
        }))
    }

    /// The phase now.
    #[must_use]
    #[inline]
    pub fn phase(&self) -> Phase {
        Phase::from_u8(self.0.phase.load(Ordering::Acquire))
    }

    /// Moves on to `phase`; a phase already passed changes nothing. Tells whether it moved.
    ///
    /// Going [`Phase::Ready`] while a drain has begun must not undo the drain, which is why there is no way back.
    pub fn advance(&self, phase: Phase) -> bool {
        let moved = self.0.phase.fetch_max(phase as u8, Ordering::AcqRel) < phase as u8;
        if moved {
            self.0.changed.notify_waiters();
        }
        moved
    }

    /// Waits until the phase is `phase` or a later one.
    pub async fn reached(&self, phase: Phase) {
        loop {
            // Made before the phase is read: a change in between still wakes it.
            let changed = self.0.changed.notified();
            if self.phase() >= phase {
                return;
            }
            changed.await;
        }
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lifecycle").field(&self.phase()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_no_way_back() {
        let lifecycle = Lifecycle::new();
        assert!(lifecycle.advance(Phase::Draining));
        assert!(!lifecycle.advance(Phase::Ready));
        assert_eq!(lifecycle.phase(), Phase::Draining);
        lifecycle.reached(Phase::Ready).await;
    }

    #[tokio::test]
    async fn who_waits_for_a_phase_is_woken_when_a_later_one_comes() {
        let lifecycle = Lifecycle::new();
        let waiting = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move { lifecycle.reached(Phase::Draining).await }
        });
        tokio::task::yield_now().await;
        lifecycle.advance(Phase::Ready);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        lifecycle.advance(Phase::Stopped);
        waiting.await.unwrap();
    }
}
