//! Who looks at the shop's pages: some at a time, again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use msa_tests::{http, until};

/// More than the function's bulkhead lets in.
const VISITORS: usize = 12;

/// From one page to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a page may take to be there for the first time.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// All that product-service knows.
const SKUS: [&str; 4] = ["BOOK-RUST", "LAMP-DESK", "MUG-BLUE", "TEE-M"];

/// Looks at each page until it was there once, so that there is an old one to stand in, however busy the machine is.
pub(super) fn look_once(addr: SocketAddr) {
    for sku in SKUS {
        let is_there = || {
            let page = http::get(addr, format!("/products/{sku}")).send();
            page.is_ok_and(|page| page.status == 200).then_some(())
        };
        // One that never comes is counted as failed in the first scene.
        let _never = until(FIRST_LOOK, is_there);
    }
}

/// The visitors at the pages.
#[derive(Debug)]
pub(super) struct Visitors {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    enough: AtomicBool,
    pages: AtomicU64,
    failed: AtomicU64,
}

impl Visitors {
    pub(super) fn send(addr: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let visitor = |place| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.look(addr, place))
        };
        Self {
            threads: (0..VISITORS).map(visitor).collect(),
            shared,
        }
    }

    /// Waits until each has its last page. How many were asked for, and how many of them were no page.
    pub(super) fn call_back(self) -> (u64, u64) {
        self.shared.enough.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                self.shared.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.shared.pages), count(&self.shared.failed))
    }
}

impl Shared {
    fn look(&self, addr: SocketAddr, place: usize) {
        for sku in SKUS.iter().cycle().skip(place) {
            if self.enough.load(Ordering::Relaxed) {
                return;
            }
            let page = http::get(addr, format!("/products/{sku}")).send();
            self.pages.fetch_add(1, Ordering::Relaxed);
            if !page.is_ok_and(|page| page.status == 200) {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            sleep(PAUSE);
        }
    }
}
