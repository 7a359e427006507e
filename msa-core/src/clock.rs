//! The only door to time.
//!
//! Policies never read a clock: they are told `now`. The stacks read it here, once when an attempt starts and once when
//! it ends, so that a test with a paused clock replays any behaviour exactly. `clippy.toml` bans every other way to ask
//! for the time.
//!
//! Wall-clock time is an anchor plus the monotonic time that passed since: a paused clock moves both together, and a
//! step of the system clock cannot run a deadline backwards. [`resync`] lays a new anchor; a running service calls it
//! once a minute, so that the wall clock follows NTP.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use tokio::time::Instant;

static ANCHOR: OnceLock<Mutex<Anchor>> = OnceLock::new();

#[derive(Clone, Copy)]
struct Anchor {
    wall: SystemTime,
    at: Instant,
}

/// The monotonic time: tokio's, so it stands still while a test pauses it.
#[must_use]
#[inline]
#[allow(clippy::disallowed_methods)] // this is the door
pub fn now() -> Instant {
    Instant::now()
}

/// The time that passed since `since`, zero when `since` lies ahead.
#[must_use]
#[inline]
pub fn since(since: Instant) -> Duration {
    now().saturating_duration_since(since)
}

/// The wall-clock time.
#[must_use]
pub fn system() -> SystemTime {
    let now = now();
    let anchor = *anchor().lock().unwrap_or_else(PoisonError::into_inner);
    match now.checked_duration_since(anchor.at) {
        Some(passed) => anchor.wall + passed,
        // A test's paused runtime may have begun before the anchor was laid.
        None => anchor.wall - anchor.at.duration_since(now),
    }
}

/// The wall-clock time in milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn unix_ms() -> u64 {
    let since_epoch = system().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Lays a new wall-clock anchor, so that [`system`] follows a corrected system clock.
///
/// Not for tests with a paused clock: their wall clock would jump back to the real one.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn resync() {
    *anchor().lock().unwrap_or_else(PoisonError::into_inner) = Anchor {
        wall: SystemTime::now(),
        at: Instant::now(),
    };
}

#[allow(clippy::disallowed_methods)] // this is the door
fn anchor() -> &'static Mutex<Anchor> {
    ANCHOR.get_or_init(|| {
        Mutex::new(Anchor {
            wall: SystemTime::now(),
            at: Instant::now(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn both_clocks_move_with_the_paused_time_and_only_with_it() {
        let (mono, wall) = (now(), system());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(since(mono), Duration::from_secs(3600));
        assert_eq!(
            system().duration_since(wall).unwrap(),
            Duration::from_secs(3600)
        );
    }
}
