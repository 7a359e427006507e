//! The cases of kind `rate_limiter`: a [`RateLimit`] of either kind.

use std::num::NonZeroU32;
use std::time::Duration;

use msa_core::config::Rate;
use msa_core::resilience::rate_limit::{RateLimit, RateLimitConfig};
use serde_json::json;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let (config, max_wait) = read(&setting)?;
    setting.all_known()?;
    let mut clock = Clock::new();
    let limit = RateLimit::new(config, clock.now());
    case.play(|event, _| {
        let mut seen = Seen::new();
        step::each(event, |one| {
            if clock.step(one)? {
                return Ok(());
            }
            take(&limit, &clock, max_wait, one, &mut seen)
        })?;
        let quota = limit.quota(clock.now());
        seen.insert("available", json!(quota.remaining));
        seen.insert("limit", json!(quota.limit));
        for (name, nanos) in [("ns_to_wait", 1.0), ("ms_to_wait", 1e6)] {
            seen.insert(name, json!(in_units(quota.wait, nanos)));
        }
        Ok(seen)
    })
}

/// `acquire`, `acquire:3`, `try_acquire`, `reserve`, `reserve:2`, `drain`; or only a look.
fn take(
    limit: &RateLimit,
    clock: &Clock,
    max_wait: Duration,
    event: &str,
    seen: &mut Seen,
) -> Result<(), Trouble> {
    let (verb, permits) = event.split_once(':').unwrap_or((event, "1"));
    let permits: NonZeroU32 = match verb {
        "observe" | "state" | "metrics" | "balance" => return Ok(()),
        "drain" => {
            let left = limit.quota(clock.now()).remaining;
            match u32::try_from(left).ok().and_then(NonZeroU32::new) {
                Some(left) => left,
                None => return Ok(()),
            }
        }
        _ => step::number(permits, event)?,
    };
    let max_wait = match verb {
        "acquire" | "reserve" => max_wait,
        "try_acquire" | "drain" => Duration::ZERO,
        _ => return Err(Trouble::unknown_event(event)),
    };
    let taken = limit.reserve(permits, max_wait, clock.now());
    seen.insert("permit", json!(taken.is_ok()));
    seen.insert(
        "permits",
        json!(if taken.is_ok() { permits.get() } else { 0 }),
    );
    for (wait, retry_after, nanos) in [
        ("wait_ns", "retry_after_ns", 1.0),
        ("wait_ms", "retry_after_ms", 1e6),
    ] {
        // A refusal is a wait of -1, as resilience4j has it.
        let waits = taken
            .as_ref()
            .map_or(json!(-1), |wait| json!(in_units(*wait, nanos)));
        seen.insert(wait, waits);
        let after = taken.as_ref().err().and_then(|limited| limited.retry_after);
        seen.insert(
            retry_after,
            json!(after.map(|after| in_units(after, nanos))),
        );
    }
    Ok(())
}

// Casts: far below 2^53 nanoseconds
fn in_units(time: Duration, nanos: f64) -> f64 {
    time.as_nanos() as f64 / nanos
}

fn read(setting: &Setting<'_>) -> Result<(RateLimitConfig, Duration), Trouble> {
    let limit = match setting.count("limit")? {
        Some(limit) => Some(limit),
        None => setting.count("limit_for_period")?,
    };
    let period = match setting.time("period")? {
        Some(period) => Some(period),
        None => setting.time("limit_refresh_period")?,
    };
    let written = setting.text("rate")?.map(str::parse::<Rate>).transpose();
    let written = written.map_err(|error| Trouble::inexpressible(error.to_string()))?;
    let rate = written.or_else(|| Rate::new(limit?, period?));
    let Some(rate) = rate else {
        return Err(Trouble::inexpressible(
            "a rate limiter without `limit` and `period`",
        ));
    };
    let max_wait = setting.time("timeout")?.or(setting.time("max_wait")?);
    let max_wait = max_wait.unwrap_or(Duration::ZERO);
    let burst = setting.count("burst")?;
    let kind = match setting.text("algorithm")? {
        Some(kind) => Some(kind),
        None => setting.text("semantics")?,
    };
    let config = match (kind, burst) {
        // Evenly, one by one: failsafe's smooth limiter, token and leaky buckets.
        (Some("gcra" | "token_bucket" | "leaky_bucket"), None) | (None, Some(_)) => {
            RateLimitConfig::gcra(rate)
        }
        (Some("gcra" | "token_bucket" | "leaky_bucket"), Some(_)) => RateLimitConfig::gcra(rate),
        (Some("smooth"), None) => RateLimitConfig::gcra(rate).burst(1),
        (None | Some("r4j" | "resilience4j" | "window" | "fixed_window" | "bursty"), None) => {
            RateLimitConfig::window(rate)
        }
        (other, _) => {
            return Err(Trouble::inexpressible(format!(
                "the algorithm {other:?} with such a burst"
            )));
        }
    };
    let burst = burst.map(|burst| u32::try_from(burst).unwrap_or(u32::MAX));
    let config = burst.into_iter().fold(config, RateLimitConfig::burst);
    Ok((config.max_wait(max_wait), max_wait))
}
