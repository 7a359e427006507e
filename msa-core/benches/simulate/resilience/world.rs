//! Callers with their policies, and the one server that they call.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use http::{Response, StatusCode};
use msa_core::clock::Instant;
use msa_core::problem::Problem;
use msa_core::resilience::breaker::{Breaker, HttpStatus, Outcome, OwnedPermit};
use msa_core::resilience::limit::{Admission, LimitConfig, Limiter, Permit, Waiting};
use msa_core::resilience::retry::{Circumstances, Decision, Ending, Retry, RetryCall};
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

struct Caller {
    retry: Arc<Retry>,
    breaker: Option<Arc<Breaker>>,
    throttle: Option<Arc<Throttle>>,
}

/// One attempt, on both sides.
struct Attempt {
    call: usize,
    breaker: Option<OwnedPermit>,
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
        shed: Arc::new(shed()),
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

    fn call(&mut self) {
        let now = self.engine.now();
        let number = self.chance.below(self.callers.len());
        let Some(caller) = self.callers.get(number) else {
            return;
        };
        let permit = (caller.throttle.as_ref()).map(|it| it.try_acquire_owned(now));
        let throttled = matches!(permit, Some(Err(_)));
        self.calls.push(Call {
            begun: self.engine.seconds(),
            took: throttled.then_some(Duration::ZERO),
            good: false,
            caller: number,
            since: now,
            txn: Txn::begin(),
            retry: caller.retry.begin_shared(now),
            throttle: permit.and_then(Result::ok),
        });
        if !throttled {
            self.attempt(self.calls.len() - 1);
        }
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
        let permit = caller.breaker.as_ref().map(|it| it.try_acquire_owned(now));
        let Ok(breaker) = permit.transpose() else {
            return self.ended(call, &Ending::Refused);
        };
        let attempt = self.attempts.len();
        self.attempts.push(Attempt {
            call,
            breaker,
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
            Admission::Refused(_) => self.turn_away(attempt),
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
                        self.turn_away(attempt);
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
            self.turn_away(attempt);
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
        self.answer(attempt, Some(&Response::new(())));
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
        self.answer(attempt, None);
    }

    fn put(&mut self, attempt: usize, place: Place) -> Place {
        match self.attempts.get_mut(attempt) {
            Some(attempt) => std::mem::replace(&mut attempt.place, place),
            None => Place::Gone,
        }
    }

    fn turn_away(&mut self, attempt: usize) {
        let shed = Arc::clone(&self.shed);
        self.answer(attempt, Some(&shed));
    }

    /// What its caller gets, who hears of the first only; nothing when he waits no longer.
    fn answer(&mut self, attempt: usize, answer: Option<&Response<()>>) {
        let now = self.engine.now();
        let Some(attempt) = self.attempts.get_mut(attempt) else {
            return;
        };
        if std::mem::replace(&mut attempt.over, true) {
            return;
        }
        let outcome = match answer {
            Some(answer) if self.equipment.counts_shed => HttpStatus::of(answer.status()),
            Some(answer) => HttpStatus::answered(answer.status(), answer.headers()),
            None => Outcome::Failure,
        };
        if let Some(permit) = attempt.breaker.take() {
            permit.end(outcome, now);
        }
        let call = attempt.call;
        let ending = match (answer, self.calls.get(call)) {
            (Some(answer), Some(call)) => {
                let retry = call.retry.policy();
                retry.answered(answer.status().as_u16(), answer.headers(), || now)
            }
            _ => Ending::TimedOut,
        };
        self.ended(call, &ending);
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
                match call.throttle.take() {
                    Some(permit) if call.good => permit.accepted(now),
                    Some(permit) => permit.rejected(now),
                    None => {}
                }
            }
        }
    }
}

/// The client's default for a whole call.
const DEADLINE: Duration = Duration::from_secs(10);

/// As the server's stack says it.
fn shed() -> Response<()> {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE)
        .retry_after(Duration::from_secs(1))
        .never_retry();
    problem.into_response().map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
