//! A dead backend at the end of a chain of services: how often is it asked for one request at the edge?
//!
//! Every service retries by itself, so attempts multiply: three at each of three hops are 27. The shipped policy is bounded by its
//! budget in each process, and by what the headers carry: the retries left on the way down, `x-txn-retry: never` on the way
//! back.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use msa_core::problem::TXN_RETRY;
use msa_core::resilience::budget::Budget;
use msa_core::resilience::retry::{Circumstances, Decision, Ending, Retry, RetryCall};
use msa_core::txn::{Headers, Minter, Txn};

use crate::chance::Chance;
use crate::engine::Engine;

/// Processes of each service of the chain.
const PROCESSES: usize = 4;

/// One way between two services, and what the backend takes to say no.
const NETWORK: Duration = Duration::from_millis(1);
const WARM_UP: f64 = 20.0;
const MEASURED: f64 = 30.0;

/// How the services of the chain retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retries {
    /// So many attempts, without any budget.
    Naive(u32),
    /// The shipped policy, without what the headers carry.
    Budgets,
    /// The shipped policy as it is.
    Ours,
}

impl Retries {
    fn policy(self, seed: u64) -> Retry {
        let retry = Retry::default().seed(seed);
        match self {
            Self::Naive(attempts) => retry
                .max_retries(attempts.saturating_sub(1))
                .budget(Budget::Unlimited),
            Self::Budgets | Self::Ours => retry,
        }
    }
}

/// What reached the backend per request at the edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amplified {
    pub(crate) factor: f64,
    /// What the budgets of the last service allow: 20 %, and 10 a second in each of its processes.
    pub(crate) aim: f64,
}

/// With so many requests a second at the edge, over so many hops.
pub(crate) fn run(retries: Retries, hops: usize, rate: f64, seed: u64) -> Amplified {
    let mut chain = Chain::new(retries, hops, seed);
    chain.run(rate);
    let asked = chain.asked.max(1) as f64;
    Amplified {
        factor: chain.reached as f64 / asked,
        aim: 1.2 + 10.0 * PROCESSES as f64 * MEASURED / asked,
    }
}

#[derive(Debug)]
enum Event {
    Arrive,
    /// The attempt that was decided on starts.
    Start(usize),
    /// The answer to the attempt is there: whether it says `never`.
    Answered(usize, bool),
}

/// A call that a service of the chain makes, to the next one or to the backend.
struct Call {
    hop: usize,
    /// Whose attempt it works for; `None` at the edge.
    above: Option<usize>,
    txn: Txn,
    retry: RetryCall<Arc<Retry>>,
}

struct Chain {
    retries: Retries,
    engine: Engine<Event>,
    chance: Chance,
    headers: Headers,
    minter: Minter,
    /// The processes of each service.
    services: Vec<Vec<Arc<Retry>>>,
    calls: Vec<Call>,
    asked: u64,
    reached: u64,
}

impl Chain {
    fn new(retries: Retries, hops: usize, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut service = || {
            let process = || Arc::new(retries.policy(chance.seed()));
            std::iter::repeat_with(process).take(PROCESSES).collect()
        };
        Self {
            retries,
            services: (0..hops).map(|_| service()).collect(),
            engine: Engine::new(),
            headers: Headers::default(),
            minter: Minter::seeded(seed),
            chance,
            calls: Vec::new(),
            asked: 0,
            reached: 0,
        }
    }

    fn run(&mut self, rate: f64) {
        let end = self.engine.at(WARM_UP + MEASURED);
        self.engine.plan(self.engine.now(), Event::Arrive);
        while let Some(event) = self.engine.next(end) {
            match event {
                Event::Arrive => {
                    self.asked += u64::from(self.engine.seconds() >= WARM_UP);
                    self.call(0, None, &HeaderMap::new());
                    self.engine
                        .plan_in(self.chance.arrival(rate), Event::Arrive);
                }
                Event::Start(call) => self.start(call),
                Event::Answered(call, never) => self.answered(call, never),
            }
        }
    }

    /// A request with these headers reaches a service, which calls the next one.
    fn call(&mut self, hop: usize, above: Option<usize>, headers: &HeaderMap) {
        let now = self.engine.now();
        let process = self.chance.below(PROCESSES);
        let Some(retry) = self.services.get(hop).and_then(|all| all.get(process)) else {
            return;
        };
        let incoming = self.headers.extract(headers);
        let number = self.calls.len();
        self.calls.push(Call {
            hop,
            above,
            txn: Txn::from_incoming(&incoming, || self.minter.mint(0), None, now),
            retry: retry.begin_shared(now),
        });
        self.start(number);
    }

    fn start(&mut self, number: usize) {
        let Some(call) = self.calls.get_mut(number) else {
            return;
        };
        call.retry.started();
        let next = call.hop + 1;
        if next == self.services.len() {
            self.reached += u64::from(self.engine.seconds() >= WARM_UP);
            // The backend's own 503 says nothing of retries.
            self.engine.plan_in(NETWORK, Event::Answered(number, false));
            return;
        }
        let mut headers = HeaderMap::new();
        if self.retries == Retries::Ours {
            let attempt = call.retry.attempt();
            (self.headers).inject(&call.txn.next_call(), attempt, None, &mut headers);
        }
        self.call(next, Some(number), &headers);
    }

    fn answered(&mut self, number: usize, never: bool) {
        let Some(call) = self.calls.get_mut(number) else {
            return;
        };
        let now = self.engine.now();
        let mut headers = HeaderMap::new();
        let mut circumstances = Circumstances::default();
        if self.retries == Retries::Ours {
            circumstances.txn = Some(&call.txn);
            if never {
                headers.insert(TXN_RETRY, HeaderValue::from_static("never"));
            }
        }
        let ending: Ending = call.retry.policy().answered(503, &headers, || now);
        match call.retry.after(&ending, &circumstances, || now) {
            Decision::Retry { delay } => self.engine.plan_in(delay, Event::Start(number)),
            // Its own caller gets the 503.
            _ => {
                if let Some(above) = call.above {
                    let never = call.txn.is_retry_forbidden();
                    self.engine.plan_in(NETWORK, Event::Answered(above, never));
                }
            }
        }
    }
}
