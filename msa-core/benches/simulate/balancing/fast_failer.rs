//! The fast failer: one instance of ten that answers 500 within a millisecond.
//!
//! By its latency and by its load it looks like the best of all. A balancer that only measures those sends it more than
//! its share.

use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::{Answer, Balancer};

use super::world::{Backend, Experiment, World};
use crate::chance::Chance;

pub(crate) const SERVERS: usize = 10;

/// The share of all requests, in percent, that the failing instance drew in each second from its first failure on.
pub(crate) fn run(make: impl Fn(u64) -> Arc<dyn Balancer>, seed: u64) -> Vec<f64> {
    let server = |bad: bool, now| {
        let answer = move |seconds, chance: &mut Chance| {
            if bad && seconds >= 10.0 {
                return (Duration::from_millis(1), Answer::Failure);
            }
            let latency = chance.normal(20.0, 4.0).max(2.0);
            (Duration::from_secs_f64(latency / 1000.0), Answer::Success)
        };
        Backend::fixed(answer, now)
    };
    let mut world = World::new(
        seed,
        1,
        make,
        |now| {
            (0..SERVERS)
                .map(|number| server(number == 0, now))
                .collect()
        },
        Duration::from_secs(10),
    );
    let mut shares = Shares(vec![(0, 0); 30]);
    world.run(40.0, &mut shares);
    let share = |(bad, all): &(u32, u32)| 100.0 * f64::from(*bad) / f64::from((*all).max(1));
    shares.0.iter().map(share).collect()
}

struct Shares(Vec<(u32, u32)>);

impl Experiment for Shares {
    fn rate(&self, _: f64) -> f64 {
        1000.0
    }

    fn work(&mut self, _: &mut Chance) -> Duration {
        Duration::ZERO
    }

    fn tick(&mut self, _: f64, _: &mut World) {}

    fn done(&mut self, sent: f64, server: usize, _: Duration, _: Answer) {
        if sent >= 10.0
            && let Some((bad, all)) = self.0.get_mut((sent - 10.0) as usize)
        {
            *bad += u32::from(server == 0);
            *all += 1;
        }
    }
}
