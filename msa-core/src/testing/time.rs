//! Moving the paused clock.

use std::time::Duration;

/// Wake-ups that may follow one another at the instant at which the clock stops.
const TURNS: usize = 64;

/// Moves the paused clock on, and lets every task run whose time comes on the way.
///
/// Unlike [`tokio::time::advance`], which jumps to the end at once and finds every timer late, this stops at each timer in
/// between: a task that ticks each second sees ten ticks in ten seconds, each at its own time. Returns when the tasks that
/// were woken at the end have run too.
///
/// ```
/// use std::time::Duration;
/// use msa_core::{clock, testing};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let ticks = tokio::spawn(async {
///     for _ in 0..3 {
///         tokio::time::sleep(Duration::from_secs(1)).await;
///     }
///     clock::now()
/// });
/// let start = clock::now();
/// testing::advance(Duration::from_secs(3)).await;
/// assert!(ticks.is_finished());
/// assert_eq!(ticks.await.unwrap() - start, Duration::from_secs(3));
/// # }
/// ```
///
/// # Panics
///
/// When the clock is not paused: use `#[tokio::test(start_paused = true)]`.
pub async fn advance(duration: Duration) {
    // Moves nothing, and panics with tokio's own words when the clock is not paused.
    tokio::time::advance(Duration::ZERO).await;
    settle().await;
    tokio::time::sleep(duration).await;
    settle().await;
}

async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test(start_paused = true)]
    async fn every_timer_on_the_way_goes_off_at_its_own_time() {
        let start = clock::now();
        let task = tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                seen.push((clock::now() - start).as_secs());
            }
            seen
        });
        advance(Duration::from_secs(10)).await;
        assert!(task.is_finished());
        assert_eq!(task.await.unwrap(), [1, 2, 3]);
        assert_eq!(clock::now() - start, Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_chain_of_wake_ups_at_the_end_runs_to_its_end() {
        let (first, mut next) = tokio::sync::mpsc::channel::<u32>(1);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            first.send(0).await.unwrap();
        });
        for _ in 0..10 {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move {
                let hop = next.recv().await.unwrap();
                sender.send(hop + 1).await.unwrap();
            });
            next = receiver;
        }
        advance(Duration::from_secs(5)).await;
        assert_eq!(next.try_recv(), Ok(10));
    }

    #[tokio::test]
    #[should_panic(expected = "time is not frozen")]
    async fn a_running_clock_is_not_moved() {
        advance(Duration::from_secs(1)).await;
    }
}
