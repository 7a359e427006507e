//! The cases of kind `failure_accrual`: one endpoint's [`Accrual`], told outcomes one by one.

use std::time::Duration;

use msa_core::balance::outlier::{Accrual, AccrualConfig, AccrualPolicy, AccrualRule, DeadTimes};
use serde_json::{Value, json};

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let config = accrual(&Setting::new(&case.config))?;
    let mut clock = Clock::new();
    let mut accrual = Accrual::new(&config, clock.now());
    case.play(|event, _| {
        let mut dead = None;
        step::each(event, |one| {
            if clock.step(one)? {
                return Ok(());
            }
            match one {
                "ok" | "success" => {
                    accrual.success(clock.now());
                    dead = None;
                }
                "fail" | "failure" => dead = accrual.failure(clock.now()),
                "revived" | "revive" => accrual.revived(clock.now()),
                "observe" | "state" => {}
                _ => return Err(Trouble::unknown_event(one)),
            }
            Ok(())
        })?;
        let millis = dead.map(|dead| dead.as_secs_f64() * 1e3);
        Ok(Seen::from([
            ("mark_dead_ms", json!(millis)),
            ("dead", json!(dead.is_some())),
        ]))
    })
}

fn accrual(setting: &Setting<'_>) -> Result<AccrualConfig, Trouble> {
    let policy = setting.text("policy")?.unwrap_or_default();
    if matches!(policy, "either_of" | "hybrid") {
        let part = |key| {
            let part = setting.object(key)?;
            let part = part.ok_or_else(|| Trouble::inexpressible(format!("`{key}` is missing")))?;
            accrual(&part)
        };
        let both = part("a")?.or(part("b")?);
        setting.all_known()?;
        return Ok(both);
    }
    let required = || Ok::<_, Trouble>(setting.number("required")?.unwrap_or(0.8));
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let rule = match policy {
        "consecutive" | "consecutive_failures" => AccrualRule::Consecutive {
            failures: small(setting.count("n")?.unwrap_or(5)),
        },
        "ewma_success_rate" | "success_rate" => AccrualRule::SuccessRate {
            required: required()?,
            requests: small(setting.count("window")?.unwrap_or(30)),
        },
        "ewma_success_rate_time" | "success_rate_within_duration" => AccrualRule::SuccessRateOver {
            required: required()?,
            window: (setting.time("window")?).unwrap_or(Duration::from_secs(30)),
            min_requests: small(setting.count("min_requests")?.unwrap_or(0)),
        },
        other => {
            let what = format!("the policy `{other}` is not known");
            return Err(Trouble::inexpressible(what));
        }
    };
    let times = times(setting)?;
    setting.all_known()?;
    Ok(AccrualConfig::new(AccrualPolicy::new(rule, times)))
}

/// `dead_ms` (or `dead_s`): a time for good, a list to go through, or times that grow.
fn times(setting: &Setting<'_>) -> Result<DeadTimes, Trouble> {
    let (value, unit) = match (setting.get("dead_ms"), setting.get("dead_s")) {
        (Some(value), _) => (value, 1e-3),
        (None, Some(value)) => (value, 1.0),
        (None, None) => return Ok(DeadTimes::constant(Duration::from_secs(5))),
    };
    let wrong = || Trouble::inexpressible(format!("`dead` is no time: {value}"));
    let time = |value: &Value| {
        let secs = value.as_f64().ok_or_else(wrong)? * unit;
        Duration::try_from_secs_f64(secs).map_err(|_| wrong())
    };
    match value {
        Value::Array(times) => {
            let times = times.iter().map(time).collect::<Result<Vec<_>, _>>()?;
            Ok(DeadTimes::listed(times))
        }
        Value::Object(growing) => {
            let of = |keys: [&str; 3]| keys.into_iter().find_map(|key| growing.get(key));
            let first = time(of(["first", "start", "initial"]).ok_or_else(wrong)?)?;
            let most = of(["max", "most", "maximum"]).map_or(Ok(Duration::MAX), time)?;
            let factor = of(["factor", "multiplier", "mult"]).and_then(Value::as_f64);
            Ok(DeadTimes::growing(first, factor.unwrap_or(2.0), most))
        }
        one => Ok(DeadTimes::constant(time(one)?)),
    }
}
