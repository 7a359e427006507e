//! Waiting for a process outside, which no paused clock can hurry.

use std::thread::sleep;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(5);

/// Asks `probe` every 5 ms until it answers, for about `limit` at most; `None` when it never did.
///
/// Counts its own pauses instead of reading a clock: on a busy machine it waits longer rather than giving up early.
pub fn until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let steps = limit.as_millis() / STEP.as_millis() + 1;
    for _ in 0..steps {
        if let Some(found) = probe() {
            return Some(found);
        }
        sleep(STEP);
    }
    None
}
