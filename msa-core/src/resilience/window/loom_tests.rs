#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::{Mark, TimeWindow};

const OK: Mark = Mark {
    failed: false,
    slow: false,
};
const MS: u64 = 1_000_000;

#[test]
fn loom_no_success_is_lost_where_a_bucket_turns() {
    loom::model(|| {
        let window = Arc::new(TimeWindow::new(Duration::from_millis(2), 2, false));
        // Bucket 2 takes the place of bucket 0.
        window.record(1, OK, Duration::ZERO, 0, || true);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let window = Arc::clone(&window);
                thread::spawn(move || window.record(1, OK, Duration::ZERO, 2 * MS, || true))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(window.counts(1, 2 * MS).ok, 2);
    });
}

#[test]
fn loom_an_outcome_that_is_too_late_never_counts_in_the_bucket_that_took_its_place() {
    loom::model(|| {
        let window = Arc::new(TimeWindow::new(Duration::from_millis(1), 1, false));
        let late = {
            let window = Arc::clone(&window);
            thread::spawn(move || window.record(1, OK, Duration::ZERO, 0, || true))
        };
        window.record(1, OK, Duration::ZERO, 5 * MS, || true);
        late.join().unwrap();
        assert_eq!(window.counts(1, 5 * MS).ok, 1);
    });
}
