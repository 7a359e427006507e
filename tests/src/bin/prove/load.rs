//! Callers that never rest long, and what became of their calls.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use msa_core::client::ServiceClient;
use msa_core::clock;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use reqwest::Body;
use tokio::task::JoinSet;

use crate::serve::Answer;

/// So many losses are described, the rest only counted.
const DESCRIBED: usize = 10;

/// What became of the calls so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) gets: AtomicU64,
    pub(crate) posts: AtomicU64,
    pub(crate) streams: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) answered_draining: AtomicU64,
    slowest_us: AtomicU64,
    losses: Mutex<Vec<String>>,
    pids: Mutex<BTreeSet<u32>>,
    stop: AtomicBool,
}

impl Tally {
    pub(crate) fn sent(&self) -> u64 {
        self.gets.load(Ordering::Relaxed) + self.posts.load(Ordering::Relaxed)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us.load(Ordering::Relaxed))
    }

    /// How many processes have answered.
    pub(crate) fn processes(&self) -> usize {
        lock(&self.pids).len()
    }

    pub(crate) fn losses(&self) -> Vec<String> {
        lock(&self.losses).clone()
    }

    pub(crate) fn note_lost(&self, what: String) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        let mut losses = lock(&self.losses);
        if losses.len() < DESCRIBED {
            losses.push(what);
        }
    }
}

/// What the callers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// GETs and POSTs, some of these streamed.
    All,
    /// What may be tried again whatever became of it.
    Gets,
}

/// Callers at work.
#[derive(Debug)]
pub(crate) struct Load {
    tally: Arc<Tally>,
    workers: JoinSet<()>,
}

impl Load {
    /// Lets this many callers loose on the service `items`.
    pub(crate) fn start(client: &ServiceClient, workers: u64, mix: Mix) -> Self {
        let tally = Arc::new(Tally::default());
        let mut set = JoinSet::new();
        for seed in 0..workers {
            set.spawn(work(client.clone(), Arc::clone(&tally), seed, mix));
        }
        Self {
            tally,
            workers: set,
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Lets each caller end its call, and returns what became of all.
    pub(crate) async fn stop(self) -> Arc<Tally> {
        self.tally.stop.store(true, Ordering::Relaxed);
        self.workers.join_all().await;
        self.tally
    }
}

async fn work(client: ServiceClient, tally: Arc<Tally>, seed: u64, mix: Mix) {
    let mut rng = SmallRng::seed_from_u64(seed);
    while !tally.stop.load(Ordering::Relaxed) {
        let begun = clock::now();
        if let Err(loss) = call(&client, &tally, &mut rng, mix).await {
            tally.note_lost(loss);
        }
        let took = u64::try_from(clock::since(begun).as_micros()).unwrap_or(u64::MAX);
        tally.slowest_us.fetch_max(took, Ordering::Relaxed);
        // Mostly at once; sometimes a connection may lie idle for a while.
        let pause = match rng.random_range(0..20) {
            0 => 100,
            1..5 => 10,
            _ => 1,
        };
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..=pause))).await;
    }
}

async fn call(
    client: &ServiceClient,
    tally: &Tally,
    rng: &mut SmallRng,
    mix: Mix,
) -> Result<(), String> {
    if mix == Mix::Gets || rng.random() {
        let id = u64::from(rng.next_u32());
        tally.gets.fetch_add(1, Ordering::Relaxed);
        let request = client.get(format!("http://items/items/{id}"));
        expect(request, tally, id, 0).await
    } else {
        let mut body = vec![0; rng.random_range(1..4096)];
        rng.fill_bytes(&mut body);
        let (length, sum) = (body.len() as u64, checksum(&body));
        // A few last longer than the whole of a restart's discovery.
        let wait = match rng.random_range(0..50) {
            0 => 300,
            1..6 => 20,
            _ => 0,
        };
        tally.posts.fetch_add(1, Ordering::Relaxed);
        // A body that comes as a stream cannot be sent a second time.
        let body = if rng.random_range(0..8) == 0 {
            tally.streams.fetch_add(1, Ordering::Relaxed);
            Body::wrap_stream(stream::iter([Ok::<_, Infallible>(body)]))
        } else {
            body.into()
        };
        let request = client
            .post(format!("http://items/items?wait_ms={wait}"))
            .body(body);
        expect(request, tally, length, sum).await
    }
}

async fn expect(
    request: reqwest_middleware::RequestBuilder,
    tally: &Tally,
    number: u64,
    sum: u64,
) -> Result<(), String> {
    let response = request.send().await.map_err(|error| chain(&error))?;
    let status = response.status();
    if !status.is_success() {
        let body = response.text().await.unwrap_or_default();
        return Err(format!("{status}: {body}"));
    }
    if response.headers().contains_key("x-msa-draining") {
        tally.answered_draining.fetch_add(1, Ordering::Relaxed);
    }
    let answer: Answer = response.json().await.map_err(|error| chain(&error))?;
    if (answer.number, answer.checksum) != (number, sum) {
        return Err(format!("the answer is another's: {answer:?}"));
    }
    lock(&tally.pids).insert(answer.pid);
    Ok(())
}

/// An error and everything that caused it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(" <- {inner}"));
        cause = inner.source();
    }
    text
}

/// FNV-1a.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
