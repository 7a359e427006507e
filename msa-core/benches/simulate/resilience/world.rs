//! Callers with their policies, and the one server that they call.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt as _;
use msa_core::clock::Instant;
use msa_core::resilience::breaker::{Breaker, OwnedPermit};
use msa_core::resilience::limit::{Admission, LimitConfig, Limiter, Permit, Waiting};
use msa_core::resilience::retry::{Answer, Circumstances, Decision, Ending, Retry, RetryCall};
use msa_core::resilience::throttle::{Throttle, ThrottleConfig, ThrottlePermit};
use msa_core::txn::{Criticality, Txn};

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
}

/// All calls that began, and how many attempts reached the server.
pub(crate) struct Outcome {
    pub(crate) calls: Vec<Call>,
    pub(crate) attempts: usize,
}

struct Caller {
    retry: Arc<Retry>,
    breaker: Option<Arc<Breaker>>,
    throttle: Option<Arc<Throttle>>,
}

/// One attempt, on both sides.
struct Attempt {
    call: usize,
    breaker: Option<OwnedPermit>,
    throttle: Option<ThrottlePermit>,
    /// Whether its caller has his answer, or waits no longer.
    over: bool,
    place: Place,
}

/// Where in the server it is.
enum Place {
    Waiting(Box<Waiting>),
    Queued(Option<Permit>),
    Working(Option<Permit>),
    Gone,
}

#[derive(Debug)]
enum Event {
    Arrive,
    Again(usize),
    GiveUp(usize),
    QueueTime(usize),
    Worked(usize),
}

/// The numbers of the attempts that the limiter's queue told something.
type Told = Arc<Mutex<Vec<usize>>>;

struct Bell {
    attempt: usize,
    told: Told,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        lock(&self.told).push(self.attempt);
    }
}

struct World<'a> {
    equipment: &'a Equipment,
    load: &'a Load,
    engine: Engine<Event>,
    chance: Chance,
    callers: Vec<Caller>,
    limiter: Option<Limiter>,
    longest_wait: Duration,
    workers: Workers,
    calls: Vec<Call>,
    attempts: Vec<Attempt>,
    told: Told,
}

/// Runs it. To be called within a tokio runtime whose clock is paused: a waiting request has a timer, which never fires here.
pub(crate) fn run(equipment: &Equipment, load: &Load, seed: u64) -> Outcome {
    let engine = Engine::new();
    let now = engine.now();
    let mut chance = Chance::new(seed);
    let mut caller = || Caller {
        retry: Arc::new((equipment.retry)().seed(chance.seed())),
        breaker: (equipment.breaker)
            .then(|| Arc::new(Breaker::seeded(Default::default(), chance.seed()))),
        throttle: (equipment.throttle)
            .then(|| Arc::new(Throttle::seeded(ThrottleConfig::default(), chance.seed()))),
    };
    let mut world = World {
        callers: (0..load.callers).map(|_| caller()).collect(),
        limiter: (equipment.limit).map(|config| Limiter::new(&config, chance.seed(), now)),
        longest_wait: (equipment.limit).map_or(Duration::ZERO, |limit| limit.queue.max_wait),
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
    Outcome {
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

    fn call(&mut self) {
        let now = self.engine.now();
        let number = self.chance.below(self.callers.len());
        let Some(caller) = self.callers.get(number) else {
            return;
        };
        self.calls.push(Call {
            begun: self.engine.seconds(),
            took: None,
            good: false,
            caller: number,
            since: now,
            txn: Txn::begin(),
            retry: caller.retry.begin_shared(now),
        });
        self.attempt(self.calls.len() - 1);
    }

    /// The caller's side, in the order of the client's stack.
    fn attempt(&mut self, call: usize) {
        let now = self.engine.now();
        let Some(calling) = self.calls.get_mut(call) else {
            return;
        };
        calling.retry.started();
        let Some(caller) = self.callers.get(calling.caller) else {
            return;
        };
        let throttle = caller.throttle.as_ref().map(|it| it.try_acquire_owned(now));
        let breaker = caller.breaker.as_ref().map(|it| it.try_acquire_owned(now));
        let (Ok(throttle), Ok(breaker)) = (throttle.transpose(), breaker.transpose()) else {
            return self.ended(call, &Ending::Refused);
        };
        let attempt = self.attempts.len();
        self.attempts.push(Attempt {
            call,
            breaker,
            throttle,
            over: false,
            place: Place::Gone,
        });
        if let Some(at) = now.checked_add(self.equipment.patience) {
            self.engine.plan(at, Event::GiveUp(attempt));
        }
        self.arrive(attempt);
    }

    /// The server's side.
    fn arrive(&mut self, attempt: usize) {
        let now = self.engine.now();
        let Some(limiter) = &self.limiter else {
            return self.queue(attempt, None);
        };
        match limiter.enter(Criticality::Default, now) {
            Admission::Admitted(permit) => self.queue(attempt, Some(permit)),
            Admission::Refused(_) => self.answer(attempt, &shed()),
            Admission::Waiting(waiting) => {
                self.put(attempt, Place::Waiting(Box::new(waiting)));
                self.engine
                    .plan_in(self.longest_wait, Event::QueueTime(attempt));
                lock(&self.told).push(attempt); // it has to be asked once, to say whom to tell
            }
        }
    }

    /// Asks those of whom the limiter's queue has decided.
    fn hear(&mut self) {
        loop {
            let told = std::mem::take(&mut *lock(&self.told));
            if told.is_empty() {
                return;
            }
            for attempt in told {
                let Some(Place::Waiting(waiting)) =
                    self.attempts.get_mut(attempt).map(|it| &mut it.place)
                else {
                    continue;
                };
                let told = Arc::clone(&self.told);
                let waker = Waker::from(Arc::new(Bell { attempt, told }));
                match waiting.poll_unpin(&mut Context::from_waker(&waker)) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(permit)) => self.queue(attempt, Some(permit)),
                    Poll::Ready(Err(_)) => {
                        self.put(attempt, Place::Gone);
                        self.answer(attempt, &shed());
                    }
                }
            }
        }
    }

    /// It has waited for as long as anybody may.
    fn leave_queue(&mut self, attempt: usize) {
        let waits = |it: &Attempt| matches!(it.place, Place::Waiting(_));
        if self.attempts.get(attempt).is_some_and(waits) {
            self.put(attempt, Place::Gone);
            self.answer(attempt, &shed());
        }
    }

    fn queue(&mut self, attempt: usize, permit: Option<Permit>) {
        self.put(attempt, Place::Queued(permit));
        self.workers.queue(attempt);
    }

    fn begin_work(&mut self) {
        while let Some(attempt) = self.workers.begin() {
            if let Place::Queued(permit) = self.put(attempt, Place::Gone) {
                self.put(attempt, Place::Working(permit));
            }
            let slowness = (self.load.slowness)(self.engine.seconds());
            let work = slowness * self.chance.between(0.005, 0.015);
            self.engine
                .plan_in(Duration::from_secs_f64(work), Event::Worked(attempt));
        }
    }

    fn worked(&mut self, attempt: usize) {
        let Place::Working(permit) = self.put(attempt, Place::Gone) else {
            return; // dropped before
        };
        self.workers.done();
        if let Some(permit) = permit {
            permit.success(self.engine.now());
        }
        self.answer(attempt, &Ending::Good);
    }

    /// The caller waits no longer.
    fn give_up(&mut self, attempt: usize) {
        if self.attempts.get(attempt).is_none_or(|it| it.over) {
            return;
        }
        let now = self.engine.now();
        if self.equipment.deadlines {
            let permit = match self.put(attempt, Place::Gone) {
                Place::Waiting(_) | Place::Gone => None,
                Place::Queued(permit) => {
                    self.workers.forget(attempt);
                    permit
                }
                Place::Working(permit) => {
                    self.workers.done();
                    permit
                }
            };
            if let Some(permit) = permit {
                permit.dropped(now);
            }
        }
        self.answer(attempt, &Ending::TimedOut);
    }

    fn put(&mut self, attempt: usize, place: Place) -> Place {
        match self.attempts.get_mut(attempt) {
            Some(attempt) => std::mem::replace(&mut attempt.place, place),
            None => Place::Gone,
        }
    }

    /// How it ended for its caller, who hears of the first ending only.
    fn answer(&mut self, attempt: usize, ending: &Ending) {
        let now = self.engine.now();
        let Some(attempt) = self.attempts.get_mut(attempt) else {
            return;
        };
        if std::mem::replace(&mut attempt.over, true) {
            return;
        }
        let good = *ending == Ending::Good;
        match (attempt.breaker.take(), good) {
            (Some(permit), true) => drop(permit.success(now)),
            (Some(permit), false) => drop(permit.failure(now)),
            (None, _) => {}
        }
        match (attempt.throttle.take(), good) {
            (Some(permit), true) => permit.accepted(now),
            (Some(permit), false) => permit.rejected(now),
            (None, _) => {}
        }
        let call = attempt.call;
        self.ended(call, ending);
    }

    fn ended(&mut self, number: usize, ending: &Ending) {
        let now = self.engine.now();
        let Some(call) = self.calls.get_mut(number) else {
            return;
        };
        let mut circumstances = Circumstances::default();
        circumstances.txn = Some(&call.txn);
        circumstances.deadline = call.since.checked_add(DEADLINE);
        match call.retry.after(ending, &circumstances, || now) {
            Decision::Retry { delay } => self.engine.plan_in(delay, Event::Again(number)),
            _ => {
                call.took = Some(now - call.since);
                call.good = *ending == Ending::Good;
            }
        }
    }
}

/// The client's default for a whole call.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the server says to a request that it sheds.
fn shed() -> Ending {
    let mut answer = Answer::status(503);
    answer.never = true;
    Ending::Answered(answer)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
