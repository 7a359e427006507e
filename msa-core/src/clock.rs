//! The only door to time.
//!
//! Policies never read a clock: they are told `now`. The stacks read it here, once when an attempt starts and once when
//! it ends, so that a test with a paused clock replays any behaviour exactly. `clippy.toml` bans every other way to ask
//! for the time.
//!
//! Wall-clock time is an anchor plus the monotonic time that passed since: a paused clock moves both together, and a
//! step of the system clock cannot run a deadline backwards. [`resync`] lays a new anchor; a running service calls it
//! once a minute, so that the wall clock follows NTP.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use tokio::time::Instant;

static ANCHOR: OnceLock<Anchor> = OnceLock::new();

struct Anchor {
    at: Instant,
    /// The wall-clock time at `at`, in nanoseconds since 1970: enough until 2554, and no lock to read it.
    wall: AtomicU64,
}

impl Anchor {
    fn nanos_at(&self, now: Instant) -> u64 {
        let wall = self.wall.load(Ordering::Relaxed);
        match now.checked_duration_since(self.at) {
            Some(passed) => wall.saturating_add(nanos(passed)),
            // A test's paused runtime may have begun before the anchor was laid.
            None => wall.saturating_sub(nanos(self.at.duration_since(now))),
        }
    }
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
    system_at(now())
}

/// The wall-clock time at a moment that was read before.
#[must_use]
pub fn system_at(now: Instant) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(anchor(now).nanos_at(now))
}

/// The wall-clock time in milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn unix_ms() -> u64 {
    unix_ms_at(now())
}

/// The same at a moment that was read before.
#[must_use]
pub fn unix_ms_at(now: Instant) -> u64 {
    anchor(now).nanos_at(now) / 1_000_000
}

/// Microseconds since 1970 at a moment that was read before.
#[must_use]
pub fn unix_us_at(now: Instant) -> u64 {
    anchor(now).nanos_at(now) / 1_000
}

/// Sets the wall clock anew, so that [`system`] follows a corrected system clock.
///
/// Not for tests with a paused clock: their wall clock would jump back to the real one.
pub fn resync() {
    let now = now();
    let anchor = anchor(now);
    let passed = now.saturating_duration_since(anchor.at);
    let wall = wall_nanos().saturating_sub(nanos(passed));
    anchor.wall.store(wall, Ordering::Relaxed);
}

fn anchor(now: Instant) -> &'static Anchor {
    ANCHOR.get_or_init(|| Anchor {
        at: now,
        wall: AtomicU64::new(wall_nanos()),
    })
}

#[allow(clippy::disallowed_methods)] // this is the door
fn wall_nanos() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    nanos(since_epoch.unwrap_or_default())
}

fn nanos(duration: Duration) -> u64 {
    (duration.as_secs().saturating_mul(1_000_000_000))
        .saturating_add(duration.subsec_nanos().into())
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
