//! Values from a hundred servers, of which some answer late: what does a second question cost, and what does it save?
//!
//! Dean and Barroso, "The Tail at Scale", CACM 2013: reading 1,000 keys from 100 servers took 1,800 ms at the 99.9th percentile, and
//! 74 ms when what was not there after 10 ms was asked for a second time, with 2 % more requests. Here 2 % of the answers take
//! longer than 10 ms, by a power law that gives the 1,800 ms.

use std::sync::Arc;
use std::time::Duration;

use msa_core::clock::Instant;
use msa_core::config::Percent;
use msa_core::resilience::budget::{Budget, WindowBudget, WindowConfig};
use msa_core::resilience::hedge::{Hedge, HedgeCall, HedgeDecision};

use crate::chance::Chance;
use crate::engine::Engine;
use crate::summary::Summary;

const SERVERS: usize = 100;
/// Reads a second.
const RATE: f64 = 50.0;
const WARM_UP: f64 = 5.0;
const MEASURED: f64 = 60.0;
/// The share of answers that take longer than 10 ms, and how fast they become rarer: the 1,800 ms.
const LATE: f64 = 0.02;
const STEEPNESS: f64 = 1.464;

/// A way to hedge, and how many times slower than usual all servers are.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) slowness: f64,
    make: fn() -> Option<Hedge>,
}

/// All of them, without a hedge first.
pub(crate) const ALL: [Case; 9] = [
    Case {
        name: "no hedge",
        slowness: 1.0,
        make: || None,
    },
    Case {
        name: "after 10 ms",
        slowness: 1.0,
        make: || Some(Hedge::after(Duration::from_millis(10))),
    },
    Case {
        name: "after the 99th percentile",
        slowness: 1.0,
        make: || Some(Hedge::after_percentile(Percent::new(99))),
    },
    Case {
        name: "after the 95th percentile (default)",
        slowness: 1.0,
        make: || Some(Hedge::after_percentile(Percent::new(95))),
    },
    Case {
        name: "after the 95th percentile, budget of 5 %",
        slowness: 1.0,
        make: || Some(Hedge::after_percentile(Percent::new(95)).budget(five_percent())),
    },
    Case {
        name: "after the 80th percentile",
        slowness: 1.0,
        make: || Some(Hedge::after_percentile(Percent::new(80))),
    },
    Case {
        name: "all ten times slower, no hedge",
        slowness: 10.0,
        make: || None,
    },
    Case {
        name: "all ten times slower, after 10 ms, no budget",
        slowness: 10.0,
        make: || Some(Hedge::after(Duration::from_millis(10)).budget(Budget::Unlimited)),
    },
    Case {
        name: "all ten times slower, after 10 ms",
        slowness: 10.0,
        make: || Some(Hedge::after(Duration::from_millis(10))),
    },
];

fn five_percent() -> Budget {
    let config = WindowConfig::default()
        .ratio(Percent::new(5))
        .min_per_second(1);
    Budget::Window(WindowBudget::new(config))
}

/// What came of one run.
pub(crate) struct Outcome {
    /// Each server's answer.
    pub(crate) calls: Summary,
    /// The last answer of each read.
    pub(crate) reads: Summary,
    /// Further requests, in percent.
    pub(crate) extra: f64,
}

#[derive(Debug)]
enum Event {
    Read,
    /// The first or the second question is answered.
    Answered(usize, usize),
    Due(usize),
}

struct Read {
    since: Instant,
    open: usize,
    counts: bool,
}

struct Call {
    read: usize,
    hedge: Option<HedgeCall<Arc<Hedge>>>,
    /// When each question was asked.
    asked: [Option<Instant>; 2],
    over: bool,
}

struct World {
    engine: Engine<Event>,
    chance: Chance,
    hedge: Option<Arc<Hedge>>,
    slowness: f64,
    reads: Vec<Read>,
    calls: Vec<Call>,
    asked: usize,
    hedged: usize,
    outcome: Outcome,
}

pub(crate) fn run(case: &Case, seed: u64) -> Outcome {
    let mut world = World {
        engine: Engine::new(),
        chance: Chance::new(seed),
        hedge: (case.make)().map(Arc::new),
        slowness: case.slowness,
        reads: Vec::new(),
        calls: Vec::new(),
        asked: 0,
        hedged: 0,
        outcome: Outcome {
            calls: Summary::default(),
            reads: Summary::default(),
            extra: 0.0,
        },
    };
    world.run();
    let mut outcome = world.outcome;
    outcome.extra = 100.0 * world.hedged as f64 / world.asked.max(1) as f64;
    outcome
}

impl World {
    fn run(&mut self) {
        let last = self.engine.at(WARM_UP + MEASURED);
        // The slowest answers need their time.
        let end = self.engine.at(WARM_UP + MEASURED + 600.0);
        self.engine.plan(self.engine.now(), Event::Read);
        while let Some(event) = self.engine.next(end) {
            match event {
                Event::Read => {
                    self.read();
                    let next = self.engine.now() + self.chance.arrival(RATE);
                    if next < last {
                        self.engine.plan(next, Event::Read);
                    }
                }
                Event::Answered(call, question) => self.answered(call, question),
                Event::Due(call) => self.due(call),
            }
        }
    }

    fn read(&mut self) {
        let now = self.engine.now();
        let counts = self.engine.seconds() >= WARM_UP;
        let read = self.reads.len();
        self.reads.push(Read {
            since: now,
            open: SERVERS,
            counts,
        });
        for _ in 0..SERVERS {
            let hedge = self.hedge.as_ref().map(|hedge| hedge.begin_shared(now));
            let number = self.calls.len();
            if let Some(due) = hedge.as_ref().and_then(HedgeCall::due) {
                self.engine.plan(due, Event::Due(number));
            }
            self.calls.push(Call {
                read,
                hedge,
                asked: [Some(now), None],
                over: false,
            });
            self.asked += usize::from(counts);
            self.ask(number, 0);
        }
    }

    fn ask(&mut self, call: usize, question: usize) {
        let latency = self.slowness * latency(&mut self.chance);
        self.engine.plan_in(
            Duration::from_secs_f64(latency),
            Event::Answered(call, question),
        );
    }

    fn due(&mut self, number: usize) {
        let now = self.engine.now();
        let Some(call) = self.calls.get_mut(number).filter(|call| !call.over) else {
            return;
        };
        let Some(hedge) = &mut call.hedge else {
            return;
        };
        if let HedgeDecision::Start { .. } = hedge.ask(now, None, || true) {
            call.asked = [call.asked[0], Some(now)];
            let counts = self.reads.get(call.read).is_some_and(|read| read.counts);
            self.hedged += usize::from(counts);
            self.ask(number, 1);
        }
    }

    /// The first answer counts; the other question was cancelled then, and its time so far is told.
    fn answered(&mut self, number: usize, _: usize) {
        let now = self.engine.now();
        let Some(call) = self.calls.get_mut(number).filter(|call| !call.over) else {
            return;
        };
        call.over = true;
        if let Some(hedge) = &self.hedge {
            for asked in call.asked.iter().flatten() {
                hedge.record(now - *asked, now);
            }
        }
        let Some(read) = self.reads.get_mut(call.read) else {
            return;
        };
        read.open -= 1;
        if read.counts {
            let began = call.asked.iter().flatten().min().copied().unwrap_or(now);
            self.outcome.calls.ok(now - began);
            if read.open == 0 {
                self.outcome.reads.ok(now - read.since);
            }
        }
    }
}

/// How long an answer takes, in seconds: 1 to 10 ms, and sometimes much longer.
fn latency(chance: &mut Chance) -> f64 {
    if chance.share() >= LATE {
        return chance.between(0.001, 0.010);
    }
    0.010 * (1.0 - chance.share()).powf(-1.0 / STEEPNESS)
}
