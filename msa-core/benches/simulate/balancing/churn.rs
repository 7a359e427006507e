//! Churn: 10,000 endpoints, of which 1,000 a minute are replaced while requests run.

use std::time::Duration;

use msa_core::balance::{Answer, PickHint};
use msa_core::clock;
use msa_core::discovery::{Endpoint, EndpointSet};

use super::algorithms::Algorithm;
use super::world::endpoint;
use crate::chance::Chance;
use crate::summary::median;

const ENDPOINTS: usize = 10_000;
const CHANGES: usize = 1_000;
const REQUESTS_A_CHANGE: usize = 300;

pub(crate) struct Churned {
    /// The time that one change took, in milliseconds of this machine.
    pub(crate) update: f64,
    /// The busiest endpoint that stayed to the end, as a multiple of the mean of those.
    pub(crate) most: f64,
    /// Picks that chose an endpoint that had left.
    pub(crate) astray: usize,
    /// Requests still counted as in flight at the end, on endpoints that stayed.
    pub(crate) leaked: u32,
}

pub(crate) fn run(algorithm: &Algorithm, seed: u64) -> Churned {
    let mut chance = Chance::new(seed);
    let balancer = algorithm.make(chance.seed());
    let mut present: Vec<usize> = (0..ENDPOINTS).collect();
    let mut endpoints: Vec<Endpoint> = present.iter().map(|number| endpoint(*number)).collect();
    let mut served = vec![0_u32; ENDPOINTS + CHANGES];
    let mut next = ENDPOINTS;
    let mut updates = Vec::new();
    let mut astray = 0;
    let mut now = clock::now();
    let set: EndpointSet = endpoints.iter().cloned().collect();
    balancer.update(&set, now);
    let mut waiting = Vec::new();
    for _ in 0..CHANGES {
        for _ in 0..REQUESTS_A_CHANGE {
            now += Duration::from_micros(200);
            let Some(mut pick) = balancer.pick(&PickHint::default(), now) else {
                continue;
            };
            match pick.endpoint().addr().and_then(number_of) {
                Some(number) if present.contains(&number) => {
                    if let Some(count) = served.get_mut(number) {
                        *count += 1;
                    }
                }
                _ => astray += 1,
            }
            pick.headers(Answer::Success, now + Duration::from_millis(5));
            waiting.push(pick);
        }
        // They end after the change: where they began, even if that has left.
        let gone = chance.below(ENDPOINTS);
        if let (Some(number), Some(place)) = (present.get_mut(gone), endpoints.get_mut(gone)) {
            *number = next;
            *place = endpoint(next);
            next += 1;
        }
        let set: EndpointSet = endpoints.iter().cloned().collect();
        let began = clock::now();
        balancer.update(&set, now);
        updates.push(clock::since(began).as_secs_f64() * 1000.0);
        for mut pick in waiting.drain(..) {
            pick.complete(now + Duration::from_millis(10));
        }
    }
    let stayed: Vec<u32> = (present.iter())
        .filter(|number| **number < ENDPOINTS)
        .filter_map(|number| served.get(*number).copied())
        .collect();
    let mean = f64::from(stayed.iter().sum::<u32>()) / stayed.len() as f64;
    let most = f64::from(stayed.iter().copied().max().unwrap_or_default());
    let leaked = balancer.fleet().map_or(0, |fleet| {
        let members = fleet.members();
        members.all().iter().map(|slot| slot.in_flight()).sum()
    });
    Churned {
        update: median(updates),
        most: most / mean,
        astray,
        leaked,
    }
}

fn number_of(addr: std::net::SocketAddr) -> Option<usize> {
    match addr.ip() {
        std::net::IpAddr::V4(ip) => {
            let [_, _, high, low] = ip.octets();
            Some(usize::from(u16::from_be_bytes([high, low])))
        }
        std::net::IpAddr::V6(_) => None,
    }
}
