//! The cases of kind `circuit_breaker`: [`Breaker`] by the preset of the semantics that the case names.

use std::collections::VecDeque;
use std::time::Duration;

use msa_core::config::Percent;
use msa_core::resilience::breaker::{
    Breaker, BreakerConfig, ErrorKinds, Judge, OpenTime, Outcome, Permit, State, Stuck, TrialRule,
};
use msa_core::resilience::window::Window;
use serde_json::{Value, json};

use crate::breaker_calls::Calls;
use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let semantics = Semantics::read(&setting)?;
    let config = config(&setting, semantics)?;
    let kinds = Kinds::read(&setting)?;
    let calls = Calls::read(&setting)?;
    // Said in words, and true of this driver: the breaker stands outside whatever else there is.
    setting.get("order");
    setting.all_known()?;

    let mut clock = Clock::new();
    let breaker = Breaker::seeded(config, 1).beginning(clock.now());
    let mut driver = Driver {
        breaker: &breaker,
        semantics,
        kinds,
        held: VecDeque::new(),
    };
    let mut calls = calls.begin(&breaker);
    case.play(|event, _| {
        let mut seen = Seen::new();
        step::each(event, |one| {
            if clock.step(one)? {
                return Ok(());
            }
            let (verb, rest) = one.split_once(':').unwrap_or((one, ""));
            match verb {
                "call" => calls.make(rest, &driver.kinds, &mut clock, &mut seen),
                "start" => calls.start(rest, &driver.kinds, clock.now(), &mut seen),
                "finish" => calls.finish(rest, &driver.kinds, clock.now(), &mut seen),
                "total_runs" => Ok(()),
                "metrics" | "state" | "observe" => Ok(()),
                _ => driver.step(verb, rest, one, &clock, &mut seen),
            }
        })?;
        driver.read(&clock, &mut seen);
        seen.insert("n", json!(calls.runs()));
        Ok(seen)
    })
}

/// Whose rules they are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Semantics {
    Ours,
    MicroProfile,
    Resilience4j,
    Polly,
    FailsafeJava,
    Hystrix,
}

impl Semantics {
    fn read(setting: &Setting<'_>) -> Result<Self, Trouble> {
        Ok(match setting.text("semantics")? {
            None | Some("msa") => Self::Ours,
            Some("mpft") => Self::MicroProfile,
            Some("r4j") => Self::Resilience4j,
            Some("polly") => Self::Polly,
            Some("failsafe") => Self::FailsafeJava,
            Some("hystrix") => Self::Hystrix,
            Some(other) => {
                let what = format!("no preset behaves as `{other}`");
                return Err(Trouble::inexpressible(what));
            }
        })
    }

    /// What a breaker opens for: two of the libraries wait until the time has passed, and not just come.
    fn open_time(self, time: Duration) -> Duration {
        match self {
            Self::Resilience4j | Self::Hystrix => time + Duration::from_nanos(1),
            _ => time,
        }
    }
}

fn config(setting: &Setting<'_>, semantics: Semantics) -> Result<BreakerConfig, Trouble> {
    let mut config = match semantics {
        Semantics::Ours => BreakerConfig::default(),
        Semantics::MicroProfile => BreakerConfig::microprofile(),
        Semantics::Resilience4j => BreakerConfig::resilience4j(),
        Semantics::Polly => BreakerConfig::polly(),
        Semantics::FailsafeJava => BreakerConfig::failsafe_java(),
        Semantics::Hystrix => BreakerConfig::hystrix(),
    };
    if let Some((failures, calls)) = of(setting, "fail_threshold")? {
        config = config.with_failure_threshold(failures, calls);
    }
    if let Some(window) = setting.object("window")? {
        config.window = crate::sliding_window::window(&window)?;
        match config.window {
            Window::Count { size } if semantics != Semantics::FailsafeJava => {
                config.min_calls = size;
            }
            _ => {}
        }
        window.all_known()?;
    }
    if let Some(calls) = small(setting, "min_calls")? {
        config.min_calls = calls;
    }
    if let Some(rate) = percent(setting.number("failure_rate")?)? {
        config.failure_rate = Some(rate);
        if semantics == Semantics::FailsafeJava {
            // It compares whole percent, rounded half up, and judges trials by the rate of as many calls.
            let rounded = Percent::from_fraction((rate.fraction() - 0.005).max(0.0));
            config.failure_rate = rounded;
            config.failures = None;
            config.half_open.permits = u32::MAX;
            config.half_open.at_once = config.min_calls;
            config.half_open.rule = TrialRule::Rate {
                results: config.min_calls,
            };
        }
    }
    let error_percent = setting
        .number("error_percent")?
        .map(|percent| percent / 100.0);
    if let Some(rate) = percent(error_percent)? {
        config.failure_rate = Some(rate);
    }
    match setting.get("success_threshold") {
        Some(Value::Array(_)) => {
            if let Some((successes, calls)) = of(setting, "success_threshold")? {
                config = config.with_success_thresholds(successes, calls);
            }
        }
        _ => {
            if let Some(successes) = small(setting, "success_threshold")? {
                config = config.with_success_threshold(successes);
            }
        }
    }
    if let Some(permits) = small(setting, "half_open_permits")? {
        config = config.with_trials(permits);
    }
    config.slow_after = setting.time("slow")?.or(config.slow_after);
    config.slow_rate = percent(setting.number("slow_rate")?)?.or(config.slow_rate);
    for (key, rule) in [
        ("consecutive_failures", &mut config.consecutive_failures),
        (
            "consecutive_connect_failures",
            &mut config.consecutive_connect_failures,
        ),
    ] {
        *rule = small(setting, key)?.or(*rule);
    }
    if let Some(interval) = setting.time("health_snapshot")? {
        config.judge = Judge::Every(interval);
    }
    if let Some(time) = setting.time("open")? {
        let time = semantics.open_time(time);
        config = match semantics {
            Semantics::Polly => config.with_break(time),
            _ => {
                config.open = OpenTime::fixed(time);
                config
            }
        };
    }
    if let Some(backoff) = setting.object("open_backoff")? {
        let first = backoff.time("initial")?.unwrap_or(config.open.first);
        config.open.first = semantics.open_time(first);
        config.open.factor = backoff.number("multiplier")?.unwrap_or(2.0);
        config.open.max = backoff.time("max")?.unwrap_or(Duration::MAX);
        config.open.jitter = percent(backoff.number("jitter")?)?.unwrap_or(Percent::ZERO);
        backoff.all_known()?;
    }
    if let Some(wait) = setting.time("max_half_open")? {
        config.half_open.max_wait = (!wait.is_zero()).then_some(wait);
        config.half_open.stuck = Stuck::Reopen;
    }
    Ok(config)
}

fn small(setting: &Setting<'_>, key: &str) -> Result<Option<u32>, Trouble> {
    let count = setting.count(key)?;
    Ok(count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
}

/// A fraction; some tables write a percentage, which is above 1.
fn percent(number: Option<f64>) -> Result<Option<Percent>, Trouble> {
    let Some(number) = number else {
        return Ok(None);
    };
    let fraction = if number > 1.0 { number / 100.0 } else { number };
    let percent = Percent::from_fraction(fraction);
    percent
        .map(Some)
        .ok_or_else(|| Trouble::inexpressible(format!("{number} is no share")))
}

/// `[n, m]`, or n for n of n.
fn of(setting: &Setting<'_>, key: &str) -> Result<Option<(u32, u32)>, Trouble> {
    let wrong = |value| Trouble::inexpressible(format!("`{key}` is not [n, m]: {value}"));
    let whole = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    match setting.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_array().map(Vec::as_slice) {
            Some([n, m]) => whole(n).zip(whole(m)),
            _ => whole(value).map(|n| (n, n)),
        }
        .map(Some)
        .ok_or_else(|| wrong(value)),
    }
}

/// What the errors of a case count as.
pub(crate) struct Kinds {
    listed: ErrorKinds,
    ignored: ErrorKinds,
}

impl Kinds {
    fn read(setting: &Setting<'_>) -> Result<Self, Trouble> {
        let list = |key: &str| match setting.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(names)) => Ok(names
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect()),
            Some(other) => Err(Trouble::inexpressible(format!(
                "`{key}` is no list: {other}"
            ))),
        };
        let listed = ErrorKinds::default()
            .include(list("fail_on")?)
            .exclude(list("skip_on")?);
        // Where nothing is ignored, nothing may be of the kind that is.
        let ignored = ErrorKinds::default()
            .include(["ignored"])
            .include(list("ignore")?);
        Ok(Self { listed, ignored })
    }

    /// How an error of this kind counts; a plain `fail` is the `TestError` of MicroProfile's tables.
    pub(crate) fn outcome(&self, kind: &str) -> Outcome {
        let kinds = match kind {
            "fail" | "always_fail" => ["fail", "TestError"],
            other => [other, "Exception"],
        };
        if self.ignored.counts(kinds) {
            return Outcome::Ignored;
        }
        self.listed.outcome(kinds)
    }
}

/// Permits taken and outcomes told, one by one.
struct Driver<'b> {
    breaker: &'b Breaker,
    semantics: Semantics,
    kinds: Kinds,
    held: VecDeque<Permit<&'b Breaker>>,
}

impl Driver<'_> {
    fn step(
        &mut self,
        verb: &str,
        rest: &str,
        one: &str,
        clock: &Clock,
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let now = clock.now();
        match verb {
            "acquire" => {
                let permit = self.breaker.try_acquire(now);
                seen.insert("permit", json!(permit.is_ok()));
                self.held.extend(permit);
            }
            // In the order in which they were taken.
            "release" => {
                if let Some(permit) = self.held.pop_front() {
                    permit.ignored(now);
                }
            }
            "cancel" => {
                let permit = self.held.pop_front();
                if let Some(permit) = permit {
                    permit.end(Outcome::Cancelled, now);
                }
            }
            "record" => {
                let (outcome, ms) = rest.split_once(':').unwrap_or((rest, "0"));
                let elapsed = Duration::from_secs_f64(step::number::<f64>(ms, one)? / 1e3);
                let outcome = match outcome {
                    "ok" | "success" => Outcome::Success,
                    "connect" | "connect_fail" => Outcome::ConnectFailure,
                    "timeout" => self.kinds.outcome("timeout"),
                    kind => self.kinds.outcome(kind),
                };
                self.record(outcome, elapsed, clock);
            }
            "record_many" => {
                for part in rest.split(',') {
                    let (name, count) = part.split_once('=').unwrap_or((part, "1"));
                    let outcome = match name.trim() {
                        "ok" => Outcome::Success,
                        kind => self.kinds.outcome(kind),
                    };
                    for _ in 0..step::number::<u32>(count, one)? {
                        self.record(outcome, Duration::ZERO, clock);
                    }
                }
            }
            "force" => {
                let state = match rest {
                    "closed" | "close" => State::Closed,
                    "open" => State::Open,
                    "half_open" => State::HalfOpen,
                    "forced_open" => State::ForcedOpen,
                    "disabled" => State::Disabled,
                    "metrics_only" => State::MetricsOnly,
                    _ => return Err(Trouble::unknown_event(one)),
                };
                self.held.clear();
                self.breaker.force(state, now);
            }
            "reset" => self.breaker.close(now),
            _ => return Err(Trouble::unknown_event(one)),
        }
        Ok(())
    }

    /// An outcome of a permit that is held; without one, a whole call where the library knows no other way, else told directly.
    fn record(&mut self, outcome: Outcome, elapsed: Duration, clock: &Clock) {
        let now = clock.now();
        let asks = matches!(self.semantics, Semantics::Polly | Semantics::Hystrix);
        // A permit that was given before the breaker changed is late.
        self.held
            .retain(|permit| permit.epoch() == self.breaker.epoch());
        if let Some(permit) = self.held.pop_front() {
            if elapsed.is_zero() {
                permit.end(outcome, now);
            } else {
                permit.end(outcome, now + elapsed);
            }
        } else if asks {
            if let Ok(permit) = self.breaker.try_acquire(now) {
                permit.end(outcome, now);
            }
        } else {
            self.breaker
                .record(self.breaker.epoch(), outcome, elapsed, now);
        }
    }

    fn read(&self, clock: &Clock, seen: &mut Seen) {
        let now = clock.now();
        let metrics = self.breaker.metrics(now);
        // These libraries leave an open breaker open until a call comes.
        let state = match self.semantics {
            Semantics::Resilience4j | Semantics::FailsafeJava => self.breaker.last_state(),
            Semantics::Hystrix if self.breaker.last_state() == State::Open => State::Open,
            _ => metrics.state,
        };
        let percent = |share: Option<f64>| json!(share.map(|share| share * 100.0));
        for (field, value) in [
            ("state", json!(state.as_str())),
            ("buffered", json!(metrics.counts.total())),
            ("total", json!(metrics.counts.total())),
            ("ok", json!(metrics.counts.ok)),
            ("failed", json!(metrics.counts.failed)),
            ("slow", json!(metrics.counts.slow)),
            ("rate", percent(metrics.failure_rate)),
            ("slow_rate", percent(metrics.slow_rate)),
            ("not_permitted", json!(metrics.refused)),
        ] {
            seen.insert(field, value);
        }
    }
}
