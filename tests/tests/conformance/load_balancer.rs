//! The cases of kind `load_balancer`: the algorithms on a fleet of numbered nodes.
//!
//! A field that is a bound or a rule in words (`max_spread_of_mean_load`, `share`) is read as itself when it holds, and as what was measured
//! when it does not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::{
    Algorithm, Answer, Balanced, Balancer, Fleet, LeastRequest, Mark, Measures, P2cEwma, Pick,
    PickHint, Ramp, Random, Weighted,
};
use msa_core::clock::{self, Instant};
use msa_core::discovery::{Endpoint, EndpointSet};
use serde_json::{Map, Value, json};

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step;

const SEED: u64 = 7;

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    match setting.text("policy")?.unwrap_or_default() {
        "p2c_least_loaded" => least_loaded(case, &setting),
        "p2c_peak_ewma" => peak_ewma(case, &setting),
        "least_request" => least_request(case, &setting),
        policy if policy.starts_with("weighted") => weighted(case, &setting),
        policy => Err(Trouble::inexpressible(format!(
            "the policy `{policy}` is not known"
        ))),
    }
}

/// Nodes by number, and the requests that are never released.
struct Rig {
    balancer: Balanced,
    held: Vec<Pick>,
    loads: Vec<Load>,
    now: Instant,
}

/// The mean of a node's load over all looks at it, one for each request that it gets.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    now: f64,
    sum: f64,
    looks: f64,
}

impl Load {
    fn grow(&mut self) {
        self.now += 1.0;
        self.sum += self.now;
        self.looks += 1.0;
    }

    fn mean(self) -> f64 {
        self.sum / f64::max(self.looks, 1.0)
    }
}

impl Rig {
    fn new(algorithm: impl Algorithm, decay: Option<Duration>) -> Self {
        let now = clock::now();
        let mut measures = Measures::default();
        measures.ramp = Ramp::off();
        measures.decay = decay.unwrap_or(measures.decay);
        let fleet = Arc::new(Fleet::new(measures));
        Self {
            balancer: Balanced::new(fleet, Box::new(algorithm), now),
            held: Vec::new(),
            loads: Vec::new(),
            now,
        }
    }

    fn set_nodes(&mut self, weights: impl IntoIterator<Item = u32>) {
        let nodes = (0_u16..)
            .zip(weights)
            .map(|(number, weight)| node(number).with_weight(weight));
        let nodes: EndpointSet = nodes.collect();
        self.loads = vec![Load::default(); nodes.len()];
        self.balancer.update(&nodes, self.now);
    }

    /// A pick, and the number of its node.
    fn pick(&mut self) -> Option<(Pick, usize)> {
        let pick = self.balancer.pick(&PickHint::default(), self.now)?;
        let number = usize::from(pick.endpoint().port()) - 1;
        if let Some(load) = self.loads.get_mut(number) {
            load.grow();
        }
        Some((pick, number))
    }

    /// How far the mean loads of these nodes are from the first one's, as the source measures evenness.
    fn spread(loads: &[Load]) -> f64 {
        let first = loads.first().map_or(0.0, |load| load.mean());
        let far = loads.iter().map(|load| (load.mean() - first).abs());
        far.fold(0.0, f64::max)
    }
}

fn node(number: u16) -> Endpoint {
    let addr = std::net::SocketAddr::from(([10, 0, 0, 1], number + 1));
    Endpoint::at(addr)
}

/// The wanted value when the measured one is not above it.
fn at_most(wanted: &Map<String, Value>, field: &str, measured: f64) -> Value {
    let bound = wanted.get(field).and_then(Value::as_f64);
    json!(bound.filter(|bound| measured <= *bound).unwrap_or(measured))
}

fn picked(pick: Option<&(Pick, usize)>) -> Value {
    json!(if pick.is_some() { "ok" } else { "no_endpoints" })
}

fn least_loaded(case: &Case, setting: &Setting<'_>) -> Verdict {
    let nodes = count(setting, "n")?;
    let _ = setting.count("requests")?; // the events tell it, too
    let _ = setting.text("panic")?; // in words what `max_effort` does
    let mut algorithm = LeastRequest::new(SEED);
    if let Some(effort) = setting.count("max_effort")? {
        // Finagle takes a node that it has drawn rather than look for a good one.
        let effort = u32::try_from(effort).unwrap_or(u32::MAX);
        algorithm = algorithm.rounds(effort).look_through(false);
    }
    setting.all_known()?;
    let mut rig = Rig::new(algorithm, None);
    rig.set_nodes((0..nodes).map(|_| 1));
    case.play(|event, wanted| {
        let mut seen = Seen::new();
        for part in event.split_whitespace() {
            match part.split_once(':').unwrap_or((part, "")) {
                ("never" | "released", _) => {}
                ("set_nodes", n) => rig.set_nodes((0..step::number::<usize>(n, event)?).map(|_| 1)),
                ("unhealthy", percent) => set_unhealthy(&rig, percent, event)?,
                ("pick", "") => {
                    let pick = rig.pick();
                    seen.insert("r", picked(pick.as_ref()));
                    rig.held.extend(pick.map(|(pick, _)| pick));
                }
                ("pick", times) => {
                    let times: u32 = step::number(times, event)?;
                    seen.insert("panic_fraction", json!(panicked(&mut rig, times)));
                }
                _ => return Err(Trouble::unknown_event(event)),
            }
        }
        let field = "max_spread_of_mean_load";
        seen.insert(field, at_most(wanted, field, Rig::spread(&rig.loads)));
        if let Some(slot) = rig.balancer.fleet().members().all().first() {
            seen.insert("load_of_node0", json!(slot.in_flight()));
        }
        Ok(seen)
    })
}

fn set_unhealthy(rig: &Rig, percent: &str, event: &str) -> Verdict {
    let percent: usize = step::number(percent.trim_end_matches('%'), event)?;
    let members = rig.balancer.fleet().members();
    for (number, slot) in members.all().iter().enumerate() {
        slot.mark(Mark::Ejected, number * 100 < percent * members.all().len());
    }
    Ok(())
}

/// Picks so many times and never releases, and tells the share of picks for which no draw was good. Such a pick is drawn from all nodes,
/// so it shows when it meets one that is set aside, which it does as often as there are such.
fn panicked(rig: &mut Rig, times: u32) -> f64 {
    let is_out = |pick: &Pick| pick.slot().is(Mark::Ejected);
    let mut out = 0_u32;
    for _ in 0..times {
        if let Some((pick, _)) = rig.pick() {
            out += u32::from(is_out(&pick));
            rig.held.push(pick);
        }
    }
    let members = rig.balancer.fleet().members();
    let aside = members
        .all()
        .iter()
        .filter(|slot| slot.is(Mark::Ejected))
        .count();
    if aside == 0 {
        return 0.0;
    }
    let chance = aside as f64 / members.all().len() as f64;
    f64::from(out) / f64::from(times) / chance
}

fn peak_ewma(case: &Case, setting: &Setting<'_>) -> Verdict {
    let nodes = count(setting, "n")?;
    let requests = count(setting, "requests")?;
    let decay = setting.time("decay")?;
    let tick = setting.time("tick")?.unwrap_or(Duration::from_nanos(1));
    let latencies = setting.object("latency")?;
    let latency = |key| match &latencies {
        Some(latencies) => latencies.count(key),
        None => Ok(None),
    };
    let usual = latency("first_100")?.unwrap_or(1);
    let last = latency("last")?.unwrap_or(usual);
    setting.all_known()?;
    case.play(|event, wanted| {
        if event != "run: one pick a tick, each held for its latency" {
            return Err(Trouble::unknown_event(event));
        }
        let mut rig = Rig::new(P2cEwma::new(SEED), decay);
        rig.set_nodes((0..nodes).map(|_| 1));
        let start = rig.now;
        let mut due: VecDeque<(u64, Pick)> = VecDeque::new();
        let at = |ticks: u64| start + tick * u32::try_from(ticks).unwrap_or(u32::MAX);
        for ticks in 0..requests as u64 {
            rig.now = at(ticks);
            let Some((pick, number)) = rig.pick() else {
                return Err(Trouble::failed("there was no node"));
            };
            let latency = if number + 1 == nodes { last } else { usual };
            due.push_back((ticks + latency, pick));
            // All but the last node take the same time, so what is not due stands for the last one.
            let waiting = due.len();
            for _ in 0..waiting {
                match due.pop_front() {
                    Some((end, mut pick)) if end <= ticks => {
                        pick.headers(Answer::Success, rig.now);
                        pick.complete(rig.now);
                    }
                    Some(later) => due.push_back(later),
                    None => {}
                }
            }
        }
        let field = "others_even_within";
        let (last, others) = rig
            .loads
            .split_last()
            .ok_or_else(|| Trouble::failed("no nodes"))?;
        Ok(Seen::from([
            ("picks_of_last", json!(last.looks)),
            (field, at_most(wanted, field, Rig::spread(others))),
        ]))
    })
}

fn least_request(case: &Case, setting: &Setting<'_>) -> Verdict {
    let nodes = count(setting, "n")?;
    let _ = setting.count("choices")?; // the events tell the draws
    let never = setting.text("release")? == Some("never");
    let first = setting.text("tie")? == Some("the first drawn stays");
    setting.all_known()?;
    if !never || !first {
        return Err(Trouble::inexpressible(
            "only ties for the first, never released",
        ));
    }
    let mut rig = Rig::new(LeastRequest::new(SEED), None);
    rig.set_nodes((0..nodes).map(|_| 1));
    let fleet = rig.balancer.fleet().members();
    case.play(|event, _| {
        let draws = event
            .strip_prefix("pick draws=")
            .ok_or_else(|| Trouble::unknown_event(event))?;
        let drawn: Result<Vec<_>, Trouble> = draws
            .split(',')
            .map(|draw| {
                let number = step::number::<usize>(draw, event)? % nodes.max(1);
                fleet
                    .all()
                    .get(number)
                    .ok_or_else(|| Trouble::failed("no such node"))
            })
            .collect();
        let least =
            LeastRequest::best_of(drawn?, rig.now).ok_or_else(|| Trouble::failed("no node"))?;
        rig.held.push(Pick::new(least.clone(), rig.now));
        Ok(Seen::from([("node", json!(least.endpoint().port() - 1))]))
    })
}

fn weighted(case: &Case, setting: &Setting<'_>) -> Verdict {
    let picks = count(setting, "picks")?;
    setting.all_known()?;
    case.play(|event, wanted| {
        let weights = event
            .strip_prefix("weights:")
            .ok_or_else(|| Trouble::unknown_event(event))?;
        let weights: Vec<u32> = match weights {
            "none" => Vec::new(),
            list => {
                let weights = list.split(',').map(|weight| step::number(weight, event));
                weights.collect::<Result<_, _>>()?
            }
        };
        // The source plays its table against both of its algorithms.
        let exact = shares(Rig::new(Weighted::new(SEED), None), &weights, picks);
        let random = shares(Rig::new(Random::new(SEED), None), &weights, picks);
        let (Some(exact), Some(random)) = (exact, random) else {
            return Ok(Seen::from([("r", json!("no_endpoints"))]));
        };
        let share = match wanted.get("share") {
            Some(rule) if rule == "weight/sum, each within 5 percent relative" => {
                let holds = close(&exact, &weights) && close(&random, &weights);
                if holds {
                    rule.clone()
                } else {
                    json!([exact, random])
                }
            }
            _ => return Err(Trouble::inexpressible("only the shares have a reading")),
        };
        Ok(Seen::from([("r", json!("ok")), ("share", share)]))
    })
}

fn shares(mut rig: Rig, weights: &[u32], picks: usize) -> Option<Vec<f64>> {
    rig.set_nodes(weights.iter().copied());
    let mut counts = vec![0.0; weights.len()];
    for _ in 0..picks {
        let (_, number) = rig.pick()?;
        *counts.get_mut(number)? += 1.0 / picks as f64;
    }
    Some(counts)
}

fn close(shares: &[f64], weights: &[u32]) -> bool {
    let sum: f64 = weights.iter().copied().map(f64::from).sum();
    shares.iter().zip(weights).all(|(share, weight)| {
        let fair = f64::from(*weight) / sum;
        (share - fair).abs() <= 0.05 * fair
    })
}

fn count(setting: &Setting<'_>, key: &str) -> Result<usize, Trouble> {
    let count = setting.count(key)?.unwrap_or_default();
    // Ports number the nodes.
    usize::try_from(count.min(1_000_000)).map_err(|_| Trouble::inexpressible("too many"))
}
