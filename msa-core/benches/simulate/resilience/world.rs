//! Callers with their policies, and the one server that they call.

mod caller;
mod server;

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use msa_core::clock::Instant;
use msa_core::resilience::breaker::OwnedPermit;
use msa_core::resilience::limit::{LimitConfig, Limiter};
use msa_core::resilience::retry::{Retry, RetryCall};
use msa_core::resilience::throttle::ThrottlePermit;
use msa_core::txn::Txn;

use self::caller::Caller;
use self::server::{Place, Told};
use super::workers::Workers;
use crate::chance::Chance;
use crate::engine::Engine;

/// Requests that are worked on at the same time, each for 5 to 15 ms: 1,000 a second.
pub(crate) const WORKERS: usize = 10;
pub(crate) const CAPACITY: f64 = 1000.0;

/// What the callers and the server are equipped with.
#[derive(Clone)]
pub(crate) struct Equipment {
    /// Of each process: its budget is its own.
    pub(crate) retry: fn() -> Retry,
    pub(crate) breaker: bool,
    /// Whether a breaker counts what the server's limit refuses, as the shipped ones do not.
    pub(crate) counts_shed: bool,
    pub(crate) throttle: bool,
    /// The server's.
    pub(crate) limit: Option<LimitConfig>,
    /// How long a caller waits for an answer to one attempt.
    pub(crate) patience: Duration,
    /// Whether the server drops a request whose caller waits no longer, as one that knows the deadline does.
    pub(crate) deadlines: bool,
}

impl Default for Equipment {
    /// None: no retry, and callers that wait for ever.
    fn default() -> Self {
        Self {
            retry: || Retry::default().max_retries(0),
            breaker: false,
            counts_shed: false,
            throttle: false,
            limit: None,
            patience: Duration::MAX,
            deadlines: false,
        }
    }
}

/// What is asked of the server.
pub(crate) struct Load {
    /// Processes that call it.
    pub(crate) callers: usize,
    /// Calls a second, of all of them together.
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
    /// How many times longer the work takes, by the second at which it begins.
    pub(crate) slowness: fn(f64) -> f64,
}

/// A call as its caller sees it.
pub(crate) struct Call {
    /// In seconds since the beginning.
    pub(crate) begun: f64,
    /// How long it took, when it is over.
    pub(crate) took: Option<Duration>,
    pub(crate) good: bool,
    caller: usize,
    since: Instant,
    txn: Txn,
    retry: RetryCall<Arc<Retry>>,
    throttle: Option<ThrottlePermit>,
}

/// All calls that began, and how many attempts reached the server.
pub(crate) struct Course {
    pub(crate) calls: Vec<Call>,
    pub(crate) attempts: usize,
}

/// One attempt, on both sides.
struct Attempt {
    call: usize,
    breaker: Option<OwnedPermit>,
    /// Whether its caller has his answer, or waits no longer.
    over: bool,
    place: Place,
}

#[derive(Debug)]
enum Event {
    Arrive,
    Again(usize),
    GiveUp(usize),
    QueueTime(usize),
    Worked(usize),
}

struct World<'a> {
    equipment: &'a Equipment,
    load: &'a Load,
    engine: Engine<Event>,
    chance: Chance,
    callers: Vec<Caller>,
    limiter: Option<Limiter>,
    longest_wait: Duration,
    /// What is answered to those that the limit turns away.
    shed: Arc<Response<()>>,
    workers: Workers,
    calls: Vec<Call>,
    attempts: Vec<Attempt>,
    told: Told,
}

/// Runs it. To be called within a tokio runtime whose clock is paused: a waiting request has a timer, which never fires here.
pub(crate) fn run(equipment: &Equipment, load: &Load, seed: u64) -> Course {
    let engine = Engine::new();
    let now = engine.now();
    let mut chance = Chance::new(seed);
    let mut world = World {
        callers: (0..load.callers)
            .map(|_| Caller::new(equipment, &mut chance))
            .collect(),
        limiter: (equipment.limit).map(|config| Limiter::new(&config, chance.seed(), now)),
        longest_wait: (equipment.limit).map_or(Duration::ZERO, |limit| limit.queue.max_wait),
        shed: Arc::new(server::shed()),
        workers: Workers::new(WORKERS),
        equipment,
        load,
        engine,
        chance,
        calls: Vec::new(),
        attempts: Vec::new(),
        told: Told::default(),
    };
    world.run();
    Course {
        attempts: world.attempts.len(),
        calls: world.calls,
    }
}

impl World<'_> {
    fn run(&mut self) {
        let end = self.engine.at(self.load.seconds);
        self.engine.plan(self.engine.now(), Event::Arrive);
        while let Some(event) = self.engine.next(end) {
            match event {
                Event::Arrive => {
                    self.call();
                    let wait = self.chance.arrival(self.load.rate);
                    self.engine.plan_in(wait, Event::Arrive);
                }
                Event::Again(call) => self.attempt(call),
                Event::GiveUp(attempt) => self.give_up(attempt),
                Event::QueueTime(attempt) => self.leave_queue(attempt),
                Event::Worked(attempt) => self.worked(attempt),
            }
            self.hear();
            self.begin_work();
        }
    }
}
