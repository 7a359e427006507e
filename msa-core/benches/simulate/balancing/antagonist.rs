//! Prequal's antagonist experiment, at the size of one machine.
//!
//! Wydrowski, Kleinberg, Rumble, Archer: "Load is not what you should balance: Introducing Prequal", NSDI 2024, section 5. Each
//! replica has an allocation that is certain, and may use what its machine's other tenants, the antagonists, leave over:
//! much on most machines, nothing on some, and which ones shifts. The load rises in steps from 0.75 to 1.74 of all
//! allocations together. A request that takes longer than 5 s is an error.

use std::time::Duration;

use msa_core::balance::Answer;

use super::algorithms::Algorithm;
use super::world::{Backend, Experiment, World};
use crate::chance::Chance;
use crate::summary::Summary;

/// The steps of the paper's ramp, as shares of the allocation.
pub(crate) const LOADS: [f64; 9] = [0.75, 0.83, 0.90, 1.03, 1.14, 1.27, 1.41, 1.57, 1.74];

const REPLICAS: usize = 20;
const CLIENTS: usize = 10;
/// Cores that a replica is sure of.
const ALLOCATION: f64 = 4.0;
/// The mean time that a request keeps a core busy, in seconds.
const WORK: f64 = 0.020;
/// The replicas on machines whose antagonists leave nothing.
const HOT: f64 = 0.3;
const WARM_UP: f64 = 5.0;
const MEASURED: f64 = 20.0;

/// The requests of one algorithm, one load and one seed.
pub(crate) fn run(algorithm: &Algorithm, load: f64, seed: u64) -> Summary {
    let mut world = World::new(
        seed,
        CLIENTS,
        |seed| algorithm.make(seed),
        |now| {
            let server = || Backend::shared(ALLOCATION, now);
            std::iter::repeat_with(server).take(REPLICAS).collect()
        },
        Duration::from_secs(5),
    );
    let mut requests = Antagonists {
        rate: load * REPLICAS as f64 * ALLOCATION / WORK,
        chance: Chance::new(seed ^ 0x5eed),
        shift: vec![0.0; REPLICAS],
        summary: Summary::default(),
    };
    world.run(WARM_UP + MEASURED, &mut requests);
    requests.summary
}

struct Antagonists {
    rate: f64,
    /// Of its own, so that every algorithm meets the same antagonists.
    chance: Chance,
    /// When each machine's antagonists change next.
    shift: Vec<f64>,
    summary: Summary,
}

impl Experiment for Antagonists {
    fn rate(&self, _: f64) -> f64 {
        self.rate
    }

    /// The paper's normal distribution whose deviation is its mean, cut at zero.
    fn work(&mut self, chance: &mut Chance) -> Duration {
        // Cutting raises the mean of N(1, 1) to 1.083.
        let work = chance.normal(1.0, 1.0).max(0.0) / 1.0833;
        Duration::from_secs_f64(work * WORK)
    }

    fn tick(&mut self, seconds: f64, world: &mut World) {
        for (server, next) in self.shift.iter_mut().enumerate() {
            if seconds < *next {
                continue;
            }
            *next = seconds + self.chance.between(3.0, 9.0);
            let left_over = if self.chance.share() < HOT {
                0.0
            } else {
                self.chance.between(0.8, 2.0)
            };
            world.set_capacity(server, ALLOCATION * (1.0 + left_over));
        }
    }

    fn done(&mut self, sent: f64, _: usize, latency: Duration, answer: Answer) {
        if sent < WARM_UP {
            return;
        }
        match answer {
            Answer::Success => self.summary.ok(latency),
            _ => self.summary.error(),
        }
    }
}
