//! The cases of kind `adaptive_limit`: samples given to an algorithm, and permits taken of a limiter.
//!
//! - `start=20 max=21 min=0` begins anew with these instead of the configured ones; without it, the first step begins.
//! - `sample rtt_ms=10 inflight=11 drop=false` is one closed window.
//! - `acquire[:CLASS]`, `release[:ok|drop|ignored]` (of the permit taken first) on a limiter with the case's algorithm.
//! - `add:VALUE` on an average (`algo: exp_avg`).

use msa_core::resilience::limit::{
    AimdConfig, Algorithm, Average, Decrease, Estimator, GradientConfig, LimitConfig, Limiter,
    Permit, Sample, Scale, VegasConfig,
};
use msa_core::txn::Criticality;
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    if setting.text("algo")? == Some("exp_avg") {
        return average(case, &setting);
    }
    let algorithm = algorithm(&setting)?;
    setting.all_known()?;
    let mut play = Play::new(algorithm);
    case.play(|event, _| {
        play.permit = None;
        step::each(event, |step| play.step(step))?;
        Ok(play.seen())
    })
}

/// What is played on.
struct Play {
    configured: Algorithm,
    started: Algorithm,
    estimator: Box<dyn Estimator>,
    /// Made by the first `acquire`; its limit is read from then on.
    limiter: Option<Limiter>,
    permits: VecDeque<Permit>,
    /// Whether the last `acquire` of this event got one.
    permit: Option<bool>,
    clock: Clock,
}

impl Play {
    fn new(algorithm: Algorithm) -> Self {
        Self {
            configured: algorithm,
            started: algorithm,
            estimator: algorithm.build(1),
            limiter: None,
            permits: VecDeque::new(),
            permit: None,
            clock: Clock::new(),
        }
    }

    fn step(&mut self, step: &str) -> Result<(), Trouble> {
        if self.clock.step(step)? {
            return Ok(());
        }
        let verb_ends = step.find([' ', ':', '=']).unwrap_or(step.len());
        let (verb, rest) = step.split_at(verb_ends);
        let rest = rest.trim_start_matches([' ', ':']);
        match verb {
            "start" => {
                let mut algorithm = self.configured;
                for (key, value) in pairs(step)? {
                    let key = if key == "start" { "initial" } else { key };
                    set(&mut algorithm, key, step::number(value, step)?, step)?;
                }
                *self = Self {
                    configured: self.configured,
                    clock: self.clock,
                    ..Self::new(algorithm)
                };
            }
            "sample" => {
                let sample = sample(rest, step)?;
                self.estimator.update(&sample);
            }
            "acquire" => {
                let class = match rest {
                    "" => Criticality::Default,
                    name => (name.parse()).map_err(|_| Trouble::unknown_event(step))?,
                };
                let now = self.clock.now();
                let mut config = LimitConfig::fixed(1);
                config.algorithm = self.started;
                let limiter = self
                    .limiter
                    .get_or_insert_with(|| Limiter::new(&config, 1, now));
                let permit = limiter.try_acquire(class, now).ok();
                self.permit = Some(permit.is_some());
                self.permits.extend(permit);
            }
            "release" | "cancel" => {
                let now = self.clock.now();
                let Some(permit) = self.permits.pop_front() else {
                    return Err(Trouble::inexpressible(format!("`{step}` without a permit")));
                };
                match rest {
                    "ok" | "success" => drop(permit.success(now)),
                    "drop" | "dropped" | "fail" | "timeout" => drop(permit.dropped(now)),
                    "" | "ignore" | "ignored" => permit.ignored(now),
                    _ => return Err(Trouble::unknown_event(step)),
                }
            }
            "observe" | "limit" => {}
            _ => return Err(Trouble::unknown_event(step)),
        }
        Ok(())
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        let limit = match &self.limiter {
            Some(limiter) => limiter.limit(),
            None => self.estimator.limit(),
        };
        let in_flight = self.limiter.as_ref().map_or(0, Limiter::in_flight);
        seen.insert("limit", json!(limit));
        seen.insert("inflight", json!(in_flight));
        seen.insert("in_flight", json!(in_flight));
        seen.insert("available", json!(limit.saturating_sub(in_flight)));
        if let Some(permit) = self.permit {
            seen.insert("permit", json!(permit));
        }
        seen
    }
}

/// `a=1 b=2`.
fn pairs(text: &str) -> Result<Vec<(&str, &str)>, Trouble> {
    text.split_whitespace()
        .map(|pair| {
            pair.split_once('=')
                .ok_or_else(|| Trouble::unknown_event(text))
        })
        .collect()
}

fn sample(text: &str, step: &str) -> Result<Sample, Trouble> {
    let (mut rtt, mut in_flight, mut dropped) = (Duration::ZERO, 0, false);
    for (key, value) in pairs(text)? {
        let rtt_in = |nanos: f64| {
            let value: f64 = step::number(value, step)?;
            Duration::try_from_secs_f64(value * nanos / 1e9)
                .map_err(|_| Trouble::unknown_event(step))
        };
        match key {
            "rtt_ns" => rtt = rtt_in(1.0)?,
            "rtt_us" => rtt = rtt_in(1e3)?,
            "rtt_ms" | "rtt" => rtt = rtt_in(1e6)?,
            "rtt_s" => rtt = rtt_in(1e9)?,
            "inflight" | "in_flight" => in_flight = step::number(value, step)?,
            "drop" | "dropped" => dropped = step::number(value, step)?,
            _ => return Err(Trouble::unknown_event(step)),
        }
    }
    Ok(Sample::new(rtt, in_flight, dropped))
}

fn algorithm(setting: &Setting<'_>) -> Result<Algorithm, Trouble> {
    let mut algorithm = match setting.text("algo")?.unwrap_or("gradient2") {
        "aimd" => {
            let mut aimd = AimdConfig::default();
            aimd.timeout = setting.time("timeout")?.unwrap_or(aimd.timeout);
            Algorithm::Aimd(aimd)
        }
        "vegas" => Algorithm::Vegas(vegas(setting)?),
        "gradient2" => Algorithm::Gradient(GradientConfig::gradient2()),
        "fixed" => Algorithm::Fixed(20),
        other => {
            return Err(Trouble::inexpressible(format!(
                "the algorithm `{other}` is not known"
            )));
        }
    };
    for key in [
        "initial",
        "min",
        "max",
        "limit",
        "backoff_ratio",
        "smoothing",
        "probe_multiplier",
        "queue_size",
        "rtt_tolerance",
        "tolerance",
        "long_window",
    ] {
        if let Some(value) = setting.number(key)? {
            set(&mut algorithm, key, value, key)?;
        }
    }
    Ok(algorithm)
}

fn vegas(setting: &Setting<'_>) -> Result<VegasConfig, Trouble> {
    let scale = |key, default| {
        let constant = setting
            .count(key)?
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Ok::<_, Trouble>(constant.map_or(default, Scale::Constant))
    };
    let default = VegasConfig::default();
    let decrease = match setting.get("decrease") {
        None => default.decrease,
        Some(value) => match (value.as_str(), value.as_u64()) {
            (Some("half"), _) => Decrease::To(0.5),
            (Some("log10"), _) => default.decrease,
            (_, Some(step)) => {
                Decrease::By(Scale::Constant(u32::try_from(step).unwrap_or(u32::MAX)))
            }
            _ => {
                return Err(Trouble::inexpressible(format!("`decrease` is {value}")));
            }
        },
    };
    let mut vegas = default;
    vegas.alpha = scale("alpha", default.alpha)?;
    vegas.beta = scale("beta", default.beta)?;
    vegas.threshold = scale("threshold", default.threshold)?;
    vegas.increase = scale("increase", default.increase)?;
    vegas.decrease = decrease;
    Ok(vegas)
}

/// Sets what the algorithm has; a setting that it does not have cannot be expressed.
// Casts: a float's cast saturates
fn set(algorithm: &mut Algorithm, key: &str, value: f64, place: &str) -> Result<(), Trouble> {
    let whole = value as u32;
    match (algorithm, key) {
        (Algorithm::Fixed(limit), "initial" | "limit") => *limit = whole,
        (Algorithm::Aimd(config), "initial") => config.initial = whole,
        (Algorithm::Aimd(config), "min") => config.min = whole,
        (Algorithm::Aimd(config), "max") => config.max = whole,
        (Algorithm::Aimd(config), "backoff_ratio") => config.backoff = value,
        (Algorithm::Vegas(config), "initial") => config.initial = whole,
        (Algorithm::Vegas(config), "min") => config.min = whole,
        (Algorithm::Vegas(config), "max") => config.max = whole,
        (Algorithm::Vegas(config), "smoothing") => config.smoothing = value,
        (Algorithm::Vegas(config), "probe_multiplier") => config.probe_multiplier = whole,
        (Algorithm::Gradient(config), "initial") => config.initial = whole,
        (Algorithm::Gradient(config), "min") => config.min = whole,
        (Algorithm::Gradient(config), "max") => config.max = whole,
        (Algorithm::Gradient(config), "smoothing") => config.smoothing = value,
        (Algorithm::Gradient(config), "queue_size") => config.step = Scale::Constant(whole),
        (Algorithm::Gradient(config), "rtt_tolerance" | "tolerance") => config.tolerance = value,
        (Algorithm::Gradient(config), "long_window") => config.memory = whole,
        _ => {
            return Err(Trouble::inexpressible(format!(
                "this algorithm has no setting `{key}` (in `{place}`)"
            )));
        }
    }
    Ok(())
}

fn average(case: &Case, setting: &Setting<'_>) -> Verdict {
    let count = |key, default| {
        let count = setting.count(key)?.unwrap_or(default);
        Ok::<_, Trouble>(u32::try_from(count).unwrap_or(u32::MAX))
    };
    let mut average = Average::new(count("window", 100)?, count("warmup", 10)?);
    setting.all_known()?;
    case.play(|event, _| {
        step::each(event, |step| {
            let value = step
                .strip_prefix("add:")
                .ok_or_else(|| Trouble::unknown_event(step))?;
            average.add(step::number(value, step)?);
            Ok(())
        })?;
        Ok(Seen::from([("value", json!(average.get()))]))
    })
}
