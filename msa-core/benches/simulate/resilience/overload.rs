//! More requests than a server can do: what of its capacity is answered in time?

use std::time::Duration;

use msa_core::resilience::limit::codel::QueueConfig;
use msa_core::resilience::limit::{Algorithm, GradientConfig, LimitConfig, VegasConfig};

use super::world::{self, CAPACITY, Equipment, Load};
use crate::summary::Summary;

/// An answer within this time is a good one.
pub(crate) const TARGET: Duration = Duration::from_millis(100);

const WARM_UP: f64 = 5.0;
const MEASURED: f64 = 10.0;

/// A way to protect a server.
pub(crate) struct Protection {
    pub(crate) name: &'static str,
    make: fn() -> Equipment,
}

/// All of them, the unprotected first.
pub(crate) const ALL: [Protection; 9] = [
    Protection {
        name: "none",
        make: Equipment::default,
    },
    Protection {
        name: "a timeout of 1 s (tower-http)",
        make: || Equipment {
            patience: Duration::from_secs(1),
            deadlines: true,
            ..Equipment::default()
        },
    },
    Protection {
        name: "fixed at 1000",
        make: || limited(LimitConfig::fixed(1000)),
    },
    Protection {
        name: "fixed at 20",
        make: || limited(LimitConfig::fixed(20)),
    },
    Protection {
        name: "Gradient2 (Netflix)",
        make: || estimated(Algorithm::Gradient(GradientConfig::gradient2()), false),
    },
    Protection {
        name: "Vegas",
        make: || estimated(Algorithm::Vegas(VegasConfig::default()), false),
    },
    Protection {
        name: "gradient, no queue",
        make: || estimated(Algorithm::default(), false),
    },
    Protection {
        name: "gradient, CoDel queue (default)",
        make: || estimated(Algorithm::default(), true),
    },
    Protection {
        name: "the same, callers with breakers",
        make: || Equipment {
            breaker: true,
            ..estimated(Algorithm::default(), true)
        },
    },
];

fn limited(limit: LimitConfig) -> Equipment {
    Equipment {
        limit: Some(limit),
        ..Equipment::default()
    }
}

fn estimated(algorithm: Algorithm, queue: bool) -> Equipment {
    let mut limit = LimitConfig::default();
    limit.algorithm = algorithm;
    if !queue {
        limit.queue = QueueConfig::none();
    }
    limited(limit)
}

/// The goodput, as a share of the capacity in percent, and the latencies of all that was answered.
pub(crate) fn run(protection: &Protection, factor: f64, seed: u64) -> (f64, Summary) {
    let load = Load {
        callers: 10,
        rate: CAPACITY * factor,
        seconds: WARM_UP + MEASURED,
        slowness: |_| 1.0,
    };
    let course = world::run(&(protection.make)(), &load, seed);
    let mut answered = Summary::default();
    for call in &course.calls {
        if let (Some(took), true) = (call.took, call.good)
            && call.begun + took.as_secs_f64() >= WARM_UP
        {
            answered.ok(took);
        }
    }
    let good = answered.within(TARGET) / 100.0 * answered.total() as f64;
    (100.0 * good / (CAPACITY * MEASURED), answered)
}

/// The hour-long overload: percent of the capacity answered in time, by the minute.
pub(crate) fn hour(protection: &Protection, seed: u64) -> Vec<(f64, f64)> {
    const MINUTES: usize = 30;
    let load = Load {
        callers: 10,
        rate: CAPACITY * 1.5,
        seconds: 60.0 * MINUTES as f64,
        slowness: |_| 1.0,
    };
    let course = world::run(&(protection.make)(), &load, seed);
    let mut good = [0_u32; MINUTES];
    for call in &course.calls {
        let Some(took) = call.took.filter(|took| call.good && *took <= TARGET) else {
            continue;
        };
        if let Some(minute) = good.get_mut(((call.begun + took.as_secs_f64()) / 60.0) as usize) {
            *minute += 1;
        }
    }
    let share = |good: u32| 100.0 * f64::from(good) / (60.0 * CAPACITY);
    (good.into_iter().enumerate())
        .map(|(minute, good)| (minute as f64 + 0.5, share(good)))
        .collect()
}
