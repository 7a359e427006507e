//! The cases of kind `outlier`: a [`Detector`] over the slots of a [`Fleet`], swept when an event says so.

mod config;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::outlier::{Detector, OutlierConfig, Rates, Rule};
use msa_core::balance::{Answer, Fleet, Mark, Measures, Slot};
use msa_core::discovery::{Endpoint, EndpointSet};
use serde_json::{Map, Value, json};

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

const RULES: [Rule; 8] = [
    Rule::GatewayFailures,
    Rule::ServerErrors,
    Rule::LocalFailures,
    Rule::SuccessRate,
    Rule::LocalSuccessRate,
    Rule::FailurePercentage,
    Rule::LocalFailurePercentage,
    Rule::Latency,
];

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    if let Some(rates) = setting.get("success_rates") {
        return threshold(case, &setting, rates);
    }
    let hosts = setting.count("hosts")?.unwrap_or(1);
    let hosts = usize::try_from(hosts).unwrap_or(usize::MAX).min(100_000);
    let config = config::read(&setting, case.source.starts_with("grpc/"))?;
    setting.all_known()?;
    let mut rig = Rig::new(config, hosts)?;
    case.play(|event, wanted| {
        step::each(event, |one| rig.step(one))?;
        Ok(rig.seen(wanted))
    })
}

/// Mean and threshold of given success rates.
fn threshold(case: &Case, setting: &Setting<'_>, rates: &Value) -> Verdict {
    let rates = rates.as_array().into_iter().flatten();
    let rates: Vec<f64> = rates.filter_map(Value::as_f64).collect();
    let factor = config::stdev_factor(setting)?.unwrap_or(1.9);
    setting.all_known()?;
    let found = Rates::of(&rates, factor);
    case.play(|event, _| match event {
        "threshold" | "observe" => Ok(Seen::from([
            ("average", json!(found.map(|found| found.mean))),
            ("threshold", json!(found.map(|found| found.threshold))),
        ])),
        _ => Err(Trouble::unknown_event(event)),
    })
}

struct Rig {
    clock: Clock,
    fleet: Fleet,
    detector: Detector,
    /// Which hosts are there, by number.
    hosts: Vec<(usize, Endpoint)>,
    interval: Duration,
}

impl Rig {
    fn new(config: OutlierConfig, hosts: usize) -> Result<Self, Trouble> {
        let clock = Clock::new();
        let mut rig = Self {
            fleet: Fleet::new(Measures::default()),
            interval: config.interval,
            detector: Detector::new(config, 7, clock.now()),
            hosts: Vec::new(),
            clock,
        };
        for host in 0..hosts {
            rig.hosts.push((host, endpoint(host)?));
        }
        rig.update();
        Ok(rig)
    }

    fn update(&mut self) {
        let set: EndpointSet = self.hosts.iter().map(|(_, one)| one.clone()).collect();
        self.fleet.update(&set, self.clock.now(), |_| {});
        let now = self.clock.now();
        let _ = (self.detector).reassess(self.fleet.members().all(), now); // cases ask for states, not for changes
    }

    fn step(&mut self, step: &str) -> Result<(), Trouble> {
        if self.clock.step(step)? {
            return Ok(());
        }
        if let Some((times, until)) = step.split_once(" healthy intervals") {
            return self.healthy_intervals(times, until, step);
        }
        if let Some(host) = step.strip_prefix("remove ") {
            let host = number_of(host, step)?;
            self.hosts.retain(|(number, _)| *number != host);
            self.update();
            return Ok(());
        }
        if let Some(host) = step.strip_prefix("add ") {
            let host = number_of(host, step)?;
            if !self.hosts.iter().any(|(number, _)| *number == host) {
                self.hosts.push((host, endpoint(host)?));
            }
            self.update();
            return Ok(());
        }
        let now = self.clock.now();
        match step {
            "interval" | "sweep" => {
                let _ = self.detector.sweep(self.fleet.members().all(), now); // read below
            }
            "observe" | "state" => {}
            _ if step.starts_with("reconfigure") && step.contains("without any") => {
                let members = self.fleet.members();
                let _ = (self.detector).configure(OutlierConfig::off(), members.all(), now); // read below
            }
            _ => {
                for (hosts, answers) in outcome::parse(step, &self.numbers())? {
                    for host in hosts {
                        self.tell(host, &answers, step)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// `50 healthy intervals to at_s:600`: a sweep at the end of each, the last one at that time if it is told.
    fn healthy_intervals(&mut self, times: &str, until: &str, step: &str) -> Result<(), Trouble> {
        let times: u32 = step::number(times, step)?;
        for _ in 0..times {
            let advance = format!("advance_ns:{}", self.interval.as_nanos());
            self.clock.step(&advance)?;
            self.step("interval")?;
        }
        match until.trim().strip_prefix("to ") {
            Some(time) => self.clock.step(time).map(drop),
            None => Ok(()),
        }
    }

    fn tell(&self, host: usize, answers: &[(u32, Answer)], step: &str) -> Result<(), Trouble> {
        let slot = self.slot(host).ok_or_else(|| {
            Trouble::inexpressible(format!("`{step}` names a host that is not there"))
        })?;
        let (members, now) = (self.fleet.members(), self.clock.now());
        for (times, answer) in answers {
            for _ in 0..*times {
                let took = Duration::from_millis(5);
                let broken = self.detector.observe(&slot, *answer, took, now);
                let _ = self.detector.eject(members.all(), &slot, broken, now); // read below
            }
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<usize> {
        self.hosts.iter().map(|(number, _)| *number).collect()
    }

    fn slot(&self, host: usize) -> Option<Arc<Slot>> {
        let (_, endpoint) = self.hosts.iter().find(|(number, _)| *number == host)?;
        let members = self.fleet.members();
        let slot = (members.all().iter()).find(|slot| slot.endpoint().same_instance(endpoint));
        slot.cloned()
    }

    fn seen(&self, wanted: &Map<String, Value>) -> Seen {
        let out = |host: &usize| self.slot(*host).is_some_and(|slot| slot.is(Mark::Ejected));
        let ejected: Vec<usize> = self.numbers().into_iter().filter(out).collect();
        let is_list = wanted.get("ejected").is_some_and(Value::is_array);
        let ejected = if is_list {
            json!(ejected)
        } else {
            json!(ejected.len())
        };
        let counts = RULES.map(|rule| self.detector.counts(rule));
        let sum = |of: fn(&msa_core::balance::outlier::Counts) -> u64| {
            json!(counts.iter().map(of).sum::<u64>())
        };
        // What these systems print for "not computed".
        let or_none = |field: &str, value: Option<f64>| match wanted.get(field) {
            Some(number) if value.is_none() && number.as_f64() == Some(-1.0) => json!(-1),
            _ => json!(value),
        };
        let (rates, local) = (self.detector.rates(), self.detector.local_rates());
        let any = rates.or(local);
        let mean = |rates: Option<Rates>| rates.map(|rates| rates.mean);
        let threshold = |rates: Option<Rates>| rates.map(|rates| rates.threshold);
        let mut seen = Seen::from([
            ("ejected", ejected),
            // Envoy counts what it detected, whether it was enforced or not.
            ("ejections_total", sum(|one| one.detected - one.overflow)),
            ("ejections_enforced_total", sum(|one| one.enforced)),
            ("ejections_enforced", sum(|one| one.enforced)),
            ("detected", sum(|one| one.detected)),
            (
                "detected_not_enforced",
                sum(|one| one.detected - one.enforced),
            ),
            ("overflow", sum(|one| one.overflow)),
            ("average", or_none("average", mean(any))),
            ("threshold", or_none("threshold", threshold(any))),
            ("external_average", or_none("external_average", mean(rates))),
            (
                "external_threshold",
                or_none("external_threshold", threshold(rates)),
            ),
            ("local_average", or_none("local_average", mean(local))),
            (
                "local_threshold",
                or_none("local_threshold", threshold(local)),
            ),
        ]);
        for field in wanted.keys() {
            let Some((which, host)) = field.rsplit_once("success_rate_host") else {
                continue;
            };
            let slot = host.parse().ok().and_then(|host| self.slot(host));
            let rate = slot.and_then(|slot| {
                let health = slot.health();
                match which {
                    "local_" => health.local_success_rate(),
                    "external_" => health.success_rate(),
                    _ => health.success_rate().or(health.local_success_rate()),
                }
            });
            // A few bytes for as long as the test runs: readings have fixed names otherwise.
            seen.insert(field.clone().leak(), or_none(field, rate));
        }
        seen
    }
}

fn endpoint(host: usize) -> Result<Endpoint, Trouble> {
    let url = format!("http://host{host}:80");
    url.parse()
        .map_err(|error| Trouble::failed(format!("{url}: {error}")))
}

/// `host3`.
fn number_of(host: &str, step: &str) -> Result<usize, Trouble> {
    let number = host.trim().strip_prefix("host").unwrap_or(host);
    step::number(number, step)
}
