//! Sliding windows: what came of the calls of the last seconds, or of the last N calls.
//!
//! The [breaker](super::breaker) and the [throttle](super::throttle) judge by them. [`SlidingWindow`] is the same for a policy
//! of one's own: it is told outcomes and the time, and counts.
//!
//! - A **time window** is a ring of buckets, each of the same length, laid from the first use on. It counts without a lock:
//!   bucket and count are one atomic word, so nothing is lost or counted twice when a bucket's place is taken over by a later
//!   one. An outcome that is told with a time that has left the window already is not counted. A bucket counts up to
//!   16,777,215 of a kind and then stays there. As every ring of buckets it forgets a whole bucket at a time: it covers
//!   between `length - length / buckets` and `length`.
//! - A **count window** keeps the order of the last N outcomes and takes a short lock for each.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::window::{SlidingWindow, Window};
//!
//! let window = SlidingWindow::new(Window::Time { length: Duration::from_secs(10), buckets: 10 });
//! let start = clock::now();
//! window.record(true, Duration::from_millis(20), start);
//! window.record(false, Duration::from_millis(30), start + Duration::from_secs(5));
//! let counts = window.counts(start + Duration::from_secs(9));
//! assert_eq!((counts.ok, counts.failed), (1, 1));
//! let later = window.counts(start + Duration::from_secs(10));
//! assert_eq!((later.ok, later.failed), (0, 1));
//! ```

mod cell;
mod count;
mod counts;
mod sliding;
mod time;
mod timeline;

pub use counts::Counts;
pub use sliding::{SlidingWindow, Window};

pub(crate) use counts::Mark;
pub(crate) use sliding::Kind;
pub(crate) use time::TimeWindow;
pub(crate) use timeline::Timeline;

#[cfg(all(test, msa_loom))]
mod loom_tests;
