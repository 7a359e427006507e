//! Who places the orders: at a steady rate, each under a key of its own, asking again until there is an answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use msa_tests::{http, interrupted};
use serde_json::json;

use super::stopwatch::Stopwatch;

/// What is ordered: there is enough of it for any run.
pub(crate) const SKU: &str = "BOOK-RUST";

/// How many orders can be under way at a time.
const CUSTOMERS: u32 = 32;

/// From one answer to the next question: longer each time, up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Nobody asks more often: with the pauses that is over a minute, and whatever is wrong then is no passing fault.
const TRIES: u32 = 80;

/// What became of an order.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) pieces: i64,
    /// How often it was asked for.
    pub(crate) tries: u32,
    pub(crate) end: End,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// 201, with this id.
    Accepted(String),
    /// A reasoned no, which none of these orders deserves.
    Refused(u16),
    /// No answer to the last.
    Unanswered,
}

/// The customers at work.
#[derive(Debug)]
pub(crate) struct Customers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Desk {
    addr: SocketAddr,
    watch: Stopwatch,
    orders: u32,
    rate: u32,
    next: AtomicU32,
    repeated: AtomicU32,
    outcomes: Mutex<Vec<Outcome>>,
}

impl Customers {
    /// Lets them place so many orders, so many a second.
    pub(crate) fn send(addr: SocketAddr, watch: Stopwatch, orders: u32, rate: u32) -> Self {
        let desk = Arc::new(Desk {
            addr,
            watch,
            orders,
            rate,
            next: AtomicU32::new(0),
            repeated: AtomicU32::new(0),
            outcomes: Mutex::default(),
        });
        let customer = |_| {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.serve())
        };
        let threads = (0..CUSTOMERS).map(customer).collect();
        Self { desk, threads }
    }

    /// How many have their answer.
    pub(crate) fn answered(&self) -> usize {
        lock(&self.desk.outcomes).len()
    }

    /// How often somebody had to ask again.
    pub(crate) fn repeated(&self) -> u32 {
        self.desk.repeated.load(Ordering::Relaxed)
    }

    pub(crate) fn are_done(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// What became of each.
    pub(crate) fn outcomes(self) -> Vec<Outcome> {
        for thread in self.threads {
            // One that panicked has no outcome, and its order is missed in the balance.
            let _ = thread.join();
        }
        std::mem::take(&mut *lock(&self.desk.outcomes))
    }
}

impl Desk {
    fn serve(&self) {
        loop {
            let order = self.next.fetch_add(1, Ordering::Relaxed);
            if order >= self.orders || interrupted() {
                return;
            }
            let due = Duration::from_secs(1) * order / self.rate;
            sleep(due.saturating_sub(self.watch.elapsed()));
            let outcome = self.place(order);
            lock(&self.outcomes).push(outcome);
        }
    }

    fn place(&self, order: u32) -> Outcome {
        let pieces = i64::from(1 + order % 3);
        let wanted = json!({"user_id": 1, "items": [{"sku": SKU, "quantity": pieces}]});
        let request = http::post(self.addr, "/orders", &wanted)
            .header("idempotency-key", format!("chaos-{order}"));
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        let end = loop {
            // No whole answer at all says as little as a 5xx: the order may have been placed or not.
            if let Ok(answer) = request.send() {
                match answer.status {
                    201 => {
                        let id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
                        break End::Accepted(id);
                    }
                    // 409 is also "in progress", as long as the claim of a process that was killed has its lease.
                    409 | 429 | 500.. => {}
                    no => break End::Refused(no),
                }
            }
            if tries == TRIES || interrupted() {
                break End::Unanswered;
            }
            tries += 1;
            self.repeated.fetch_add(1, Ordering::Relaxed);
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        Outcome { pieces, tries, end }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
