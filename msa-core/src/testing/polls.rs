//! Dropping a future at any of its await points.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Polls a future so many times, whenever it asks for it, and drops it then. Its output if it was ready before.
///
/// A future may be dropped wherever it waits: its caller hung up, or its time was over. Whatever it holds then must be given
/// back. To see that it is, drop it everywhere:
///
/// ```
/// use std::sync::Arc;
/// use msa_core::testing::polled;
/// use tokio::sync::Semaphore;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let places = Arc::new(Semaphore::new(1));
/// for times in 0.. {
///     let work = async {
///         let _place = places.acquire().await;
///         tokio::task::yield_now().await;
///         tokio::task::yield_now().await;
///     };
///     let done = polled(times, work).await.is_some();
///     assert_eq!(places.available_permits(), 1, "dropped after {times} polls");
///     if done {
///         assert_eq!(times, 3);
///         break;
///     }
/// }
/// # }
/// ```
pub async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut running: Option<Pin<Box<F>>> = Some(Box::pin(future));
    let mut left = times;
    poll_fn(move |cx| {
        if let Some(future) = running.as_mut().filter(|_| left > 0) {
            left -= 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => return Poll::Ready(Some(output)),
                Poll::Pending if left > 0 => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        running = None;
        Poll::Ready(None)
    })
    .await
}
