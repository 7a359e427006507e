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
    /// Whether its limit moves.
    pub(crate) adapts: bool,
    pub(crate) drawn: bool,
    make: fn() -> Equipment,
}

/// All of them, the unprotected first.
pub(crate) const ALL: [Protection; 9] = [
    Protection {
        name: "none",
        adapts: false,
        drawn: true,
        make: Equipment::default,
    },
    Protection {
        name: "a timeout of 1 s (tower-http)",
        adapts: false,
        drawn: true,
        make: || Equipment {
            patience: Duration::from_secs(1),
            deadlines: true,
            ..Equipment::default()
        },
    },
    Protection {
        name: "fixed at 1000",
        adapts: false,
        drawn: true,
        make: || limited(LimitConfig::fixed(1000)),
    },
    Protection {
        name: "fixed at 20",
        adapts: false,
        drawn: true,
        make: || limited(LimitConfig::fixed(20)),
    },
    Protection {
        name: "Gradient2 (Netflix)",
        adapts: true,
        drawn: true,
        make: || estimated(Algorithm::Gradient(GradientConfig::gradient2()), false),
    },
    Protection {
        name: "Vegas",
        adapts: true,
        drawn: true,
        make: || estimated(Algorithm::Vegas(VegasConfig::default()), false),
    },
    Protection {
        name: "gradient, no queue",
        adapts: true,
        drawn: true,
        make: || estimated(Algorithm::default(), false),
    },
    Protection {
        name: "gradient, CoDel queue (default)",
        adapts: true,
        drawn: true,
        make: || estimated(Algorithm::default(), true),
    },
    Protection {
        name: "the same, callers with breakers",
        adapts: false,
        drawn: false,
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

/// Half an hour at 1.5 times the capacity: percent of it answered in time, by the minute.
pub(crate) fn long(protection: &Protection, seed: u64) -> Vec<f64> {
    const MINUTES: usize = 30;
    let load = Load {
        callers: 10,
        rate: CAPACITY * 1.5,
        seconds: 60.0 * MINUTES as f64,
        slowness: |_| 1.0,
    };
    let course = world::run(&(protection.make)(), &load, seed);
    let mut good = vec![0.0; MINUTES];
    for call in &course.calls {
        if let Some(took) = call.took.filter(|took| call.good && *took <= TARGET)
            && let Some(minute) = good.get_mut(((call.begun + took.as_secs_f64()) / 60.0) as usize)
        {
            *minute += 100.0 / (60.0 * CAPACITY);
        }
    }
    good
}
