//! "Beyond Round Robin": what one slow server of eleven costs.
//!
//! Buoyant's experiment of 2016 (<https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/>): 1,000
//! requests a second for 60 s, latencies around 167 ms with a deviation of 5, and one server that takes 2 s from second 15
//! to second 45. An answer within a second is a success. Published: round robin 95 %, least loaded 99 %, peak EWMA 99.9 %.

use std::time::Duration;

use msa_core::balance::Answer;

use super::algorithms::Algorithm;
use super::world::{Backend, Experiment, World};
use crate::chance::Chance;
use crate::summary::Summary;

pub(crate) const LIMIT: Duration = Duration::from_secs(1);

/// The requests of one algorithm and one seed.
pub(crate) fn run(algorithm: &Algorithm, seed: u64) -> Summary {
    let server = |slow: bool, now| {
        let answer = move |seconds, chance: &mut Chance| {
            let latency = if slow && (15.0..45.0).contains(&seconds) {
                2000.0
            } else {
                chance.normal(167.0, 5.0).max(1.0)
            };
            (Duration::from_secs_f64(latency / 1000.0), Answer::Success)
        };
        Backend::fixed(answer, now)
    };
    let mut world = World::new(
        seed,
        1,
        |seed| algorithm.make(seed),
        |now| (0..11).map(|number| server(number == 0, now)).collect(),
        Duration::from_secs(10),
    );
    let mut requests = Steady(Summary::default());
    world.run(60.0, &mut requests);
    requests.0
}

struct Steady(Summary);

impl Experiment for Steady {
    fn rate(&self, _: f64) -> f64 {
        1000.0
    }

    fn work(&mut self, _: &mut Chance) -> Duration {
        Duration::ZERO
    }

    fn tick(&mut self, _: f64, _: &mut World) {}

    fn done(&mut self, _: f64, _: usize, latency: Duration, _: Answer) {
        self.0.ok(latency);
    }
}
