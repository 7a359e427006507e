//! Cases by the number, each repeatable from the seed and its number alone.

pub(crate) mod config;
pub(crate) mod headers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use msa_core::clock;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::Error;
use crate::options::Options;

/// So many broken cases are described, the rest only counted.
const DESCRIBED: u64 = 10;

/// How many cases a thread takes at a time.
const BATCH: u64 = 500;

/// Something that is thrown chance at.
pub(crate) trait Fuzz {
    const WHAT: &'static str;

    /// Whatever one thread keeps between cases.
    fn new() -> Result<Self, Error>
    where
        Self: Sized;

    /// Runs one case; says which rule was broken. The returned mark tells what kind of case it was, for the summary.
    fn case(&mut self, rng: &mut SmallRng) -> Result<Mark, String>;
}

/// What kind of case it was: whether the input was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Accepted,
    Refused,
}

/// No rule broken?
pub(crate) fn run<F: Fuzz>(mut options: Options, count: u64) -> Result<bool, Error> {
    let count = options.value("count", count)?;
    let seed: u64 = options.value("seed", 1)?;
    let first: u64 = options.value("first", 0)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads: usize = options.value("threads", cores)?;
    options.finish()?;
    println!(
        "{count} {} from case {first} of seed {seed}, {threads} threads",
        F::WHAT
    );

    let begun = clock::now();
    let run = Run {
        seed,
        next: AtomicU64::new(first),
        end: first + count,
        accepted: AtomicU64::new(0),
        broken: AtomicU64::new(0),
    };
    // A panic is told with its case; the default hook would print each of a million.
    std::panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1))
            .map(|_| scope.spawn(|| run.work::<F>()))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a thread panicked".into()))
        })
    })?;
    let _ = std::panic::take_hook();
    let broken = run.broken.load(Ordering::Relaxed);
    let accepted = run.accepted.load(Ordering::Relaxed);
    println!(
        "{count} cases in {:.1?}: {accepted} accepted, {} refused, {broken} broke a rule",
        clock::since(begun),
        count - accepted - broken
    );
    Ok(broken == 0)
}

struct Run {
    seed: u64,
    next: AtomicU64,
    end: u64,
    accepted: AtomicU64,
    broken: AtomicU64,
}

impl Run {
    fn work<F: Fuzz>(&self) -> Result<(), Error> {
        let mut fuzz = F::new()?;
        loop {
            let from = self.next.fetch_add(BATCH, Ordering::Relaxed);
            if from >= self.end {
                return Ok(());
            }
            for number in from..self.end.min(from + BATCH) {
                // Far apart, so that seeds do not share cases.
                let mut rng = SmallRng::seed_from_u64(self.seed.rotate_left(32) ^ number);
                let outcome = catch_unwind(AssertUnwindSafe(|| fuzz.case(&mut rng)));
                match outcome.unwrap_or_else(|panic| Err(said(&*panic))) {
                    Ok(Mark::Accepted) => {
                        self.accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(Mark::Refused) => {}
                    Err(rule) => self.note_broken(number, &rule),
                }
            }
        }
    }

    fn note_broken(&self, number: u64, rule: &str) {
        if self.broken.fetch_add(1, Ordering::Relaxed) < DESCRIBED {
            println!(
                "case {number} (--seed {} --first {number} --count 1): {rule}",
                self.seed
            );
        }
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without words"))
}

/// One of them, by chance.
pub(crate) fn one<'a, T>(rng: &mut SmallRng, of: &'a [T]) -> &'a T {
    // The callers' lists are never empty, and an index below the length is there.
    #[allow(clippy::indexing_slicing)]
    &of[rng.random_range(0..of.len())]
}
