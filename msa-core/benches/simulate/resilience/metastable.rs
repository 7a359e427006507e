//! A server at 0.8 of its capacity becomes ten times slower for 20 s, and then as fast as before: when do its callers notice?
//!
//! Bronson, Aghayev, Charapko, Zhu: "Metastable Failures in Distributed Systems", HotOS 2021: the retries of what failed
//! are load enough to keep it failing, though what began it is long gone.

use std::time::Duration;

use msa_core::resilience::budget::Budget;
use msa_core::resilience::limit::LimitConfig;
use msa_core::resilience::retry::Retry;

use super::world::{self, CAPACITY, Equipment, Load};

const BEGINS: f64 = 130.0;
const ENDS: f64 = 150.0;
/// How long it is watched after that.
pub(crate) const WATCHED: f64 = 600.0;
/// The seconds of the picture.
const DRAWN: std::ops::Range<f64> = -30.0..130.0;
const LOAD: f64 = 0.8;
/// What becomes of the calls is looked at for each so many seconds of their beginnings.
const STEP: f64 = 0.25;
/// An answer within this time is a good one.
const WELL: Duration = Duration::from_millis(200);
/// Normal is when so many of a step's calls are answered well.
const NORMAL: f64 = 0.95;

/// What callers and server are equipped with.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) drawn: bool,
    make: fn() -> Equipment,
}

/// All of them, the bare one first. Whatever is not named is not there.
pub(crate) const ALL: [Case; 9] = [
    Case {
        name: "three attempts, no budget",
        drawn: true,
        make: || with(|it| it.retry = unbounded),
    },
    Case {
        name: "no retries",
        drawn: true,
        make: || with(|it| it.retry = || Retry::default().max_retries(0)),
    },
    Case {
        name: "retry budget",
        drawn: true,
        make: || with(|_| {}),
    },
    Case {
        name: "retry budget, breaker",
        drawn: true,
        make: || with(|it| it.breaker = true),
    },
    Case {
        name: "retry budget, client throttle",
        drawn: true,
        make: || with(|it| it.throttle = true),
    },
    Case {
        name: "retry budget, deadlines",
        drawn: true,
        make: || with(|it| it.deadlines = true),
    },
    Case {
        name: "retry budget, adaptive limit",
        drawn: true,
        make: || with(|it| it.limit = Some(LimitConfig::default())),
    },
    Case {
        name: "all but the throttle",
        drawn: true,
        make: || with(all),
    },
    Case {
        name: "the same, breakers count refusals",
        drawn: false,
        make: || {
            with(|it| {
                all(it);
                it.counts_shed = true;
            })
        },
    },
];

/// The shipped retries, with a budget for each of the processes, and callers that wait for a second.
fn with(change: impl FnOnce(&mut Equipment)) -> Equipment {
    let mut equipment = Equipment {
        retry: Retry::default,
        patience: Duration::from_secs(1),
        ..Equipment::default()
    };
    change(&mut equipment);
    equipment
}

fn all(equipment: &mut Equipment) {
    equipment.breaker = true;
    equipment.deadlines = true;
    equipment.limit = Some(LimitConfig::default());
}

fn unbounded() -> Retry {
    Retry::default().budget(Budget::Unlimited)
}

/// One run.
pub(crate) struct Course {
    /// Percent of the calls answered well, by the step of their beginnings, in seconds since the end of the slowness.
    pub(crate) good: Vec<(f64, f64)>,
    /// Seconds from the end of the slowness until it is normal again; `None` when it never was.
    pub(crate) recovery: Option<f64>,
    /// Attempts that reached the server per call.
    pub(crate) attempts: f64,
    /// Percent of the calls answered, however late, that began while it was slow.
    pub(crate) meanwhile: f64,
}

pub(crate) fn run(case: &Case, seed: u64) -> Course {
    let load = Load {
        callers: 10,
        rate: CAPACITY * LOAD,
        seconds: ENDS + WATCHED,
        slowness: |at| {
            if (BEGINS..ENDS).contains(&at) {
                10.0
            } else {
                1.0
            }
        },
    };
    judge(&world::run(&(case.make)(), &load, seed))
}

#[derive(Debug, Clone, Default)]
struct Step {
    all: f64,
    answered: f64,
    well: f64,
}

fn judge(run: &world::Course) -> Course {
    // Calls of the last seconds may not have had their time.
    let steps = ((ENDS + WATCHED - 15.0) / STEP) as usize;
    let mut counts = vec![Step::default(); steps];
    for call in &run.calls {
        if let Some(step) = counts.get_mut((call.begun / STEP) as usize) {
            step.all += 1.0;
            step.answered += f64::from(u8::from(call.good));
            let well = call.good && call.took.is_some_and(|took| took <= WELL);
            step.well += f64::from(u8::from(well));
        }
    }
    let share = |step: &Step| step.well / step.all.max(1.0);
    let last_bad = counts.iter().rposition(|step| share(step) < NORMAL);
    let normal_at = last_bad.map_or(0.0, |step| (step + 1) as f64 * STEP);
    let never = last_bad.is_some_and(|step| step + 1 >= steps);
    let slow = (counts.iter())
        .skip((BEGINS / STEP) as usize)
        .take(((ENDS - BEGINS) / STEP) as usize);
    let (all, answered) = slow.fold((0.0, 0.0), |(all, answered), step| {
        (all + step.all, answered + step.answered)
    });
    Course {
        good: (counts.iter().enumerate())
            .map(|(step, counts)| (step as f64 * STEP - ENDS, 100.0 * share(counts)))
            .filter(|(seconds, _)| DRAWN.contains(seconds))
            .collect(),
        recovery: (!never).then_some((normal_at - ENDS).max(0.0)),
        attempts: run.attempts as f64 / run.calls.len().max(1) as f64,
        meanwhile: 100.0 * answered / f64::max(all, 1.0),
    }
}
