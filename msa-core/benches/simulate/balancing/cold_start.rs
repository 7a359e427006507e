//! Cold start: an instance joins nine others that are busy.
//!
//! Load 0.85 of the nine. The newcomer does an eighth of its work at first and comes to its full speed in 10 s, as caches fill
//! and pools connect: what it gets too early waits.

use std::time::Duration;

use msa_core::balance::Answer;

use super::algorithms::Algorithm;
use super::world::{Backend, Experiment, World, endpoint};
use crate::chance::Chance;
use crate::summary::Summary;

pub(crate) const JOINS: f64 = 10.0;
pub(crate) const SECONDS: usize = 30;

const OLD: usize = 9;
const CORES: f64 = 4.0;
const WORK: f64 = 0.020;

/// Second by second from its joining on: the newcomer's share of a fair share in percent, and the 99th percentile of all
/// requests in milliseconds.
pub(crate) struct Course {
    pub(crate) share: Vec<f64>,
    pub(crate) p99: Vec<f64>,
}

pub(crate) fn run(algorithm: &Algorithm, seed: u64) -> Course {
    let mut world = World::new(
        seed,
        4,
        |seed| algorithm.make(seed),
        |now| {
            let server = || Backend::shared(CORES, now);
            std::iter::repeat_with(server).take(OLD + 1).collect()
        },
        Duration::from_secs(5),
    );
    world.endpoints.truncate(OLD);
    world.tell_endpoints();
    world.set_capacity(OLD, CORES / 8.0);
    let mut joining = Joining {
        joined: false,
        seconds: vec![(0, Summary::default()); SECONDS],
    };
    world.run(JOINS + SECONDS as f64, &mut joining);
    let fair = 1.0 / (OLD + 1) as f64;
    let share = |(new, all): &(usize, Summary)| *new as f64 / all.total().max(1) as f64;
    Course {
        share: (joining.seconds.iter())
            .map(|second| 100.0 * share(second) / fair)
            .collect(),
        p99: (joining.seconds.iter_mut())
            .map(|(_, all)| all.percentile(0.99))
            .collect(),
    }
}

struct Joining {
    joined: bool,
    seconds: Vec<(usize, Summary)>,
}

impl Experiment for Joining {
    fn rate(&self, _: f64) -> f64 {
        0.85 * OLD as f64 * CORES / WORK
    }

    fn work(&mut self, chance: &mut Chance) -> Duration {
        Duration::from_secs_f64(WORK * chance.between(0.5, 1.5))
    }

    fn tick(&mut self, seconds: f64, world: &mut World) {
        if seconds < JOINS {
            return;
        }
        if !std::mem::replace(&mut self.joined, true) {
            world.endpoints.push(endpoint(OLD));
            world.tell_endpoints();
        }
        let warm = ((seconds - JOINS) / 10.0).min(1.0);
        world.set_capacity(OLD, CORES * (1.0 + 7.0 * warm) / 8.0);
    }

    fn done(&mut self, sent: f64, server: usize, latency: Duration, answer: Answer) {
        if sent < JOINS {
            return;
        }
        let Some((new, all)) = self.seconds.get_mut((sent - JOINS) as usize) else {
            return;
        };
        *new += usize::from(server == OLD);
        match answer {
            Answer::Success => all.ok(latency),
            _ => all.error(),
        }
    }
}
