//! The guards that a case's configuration asks for.

use std::time::Duration;

use msa_core::config::Span;
use msa_core::resilience::budget::Budget;
use msa_core::resilience::bulkhead::{Bulkhead, BulkheadConfig};
use msa_core::resilience::policy::Policy;
use msa_core::resilience::retry::{Backoff, Retry};

use crate::calls::{Failures, build};
use crate::case::Trouble;
use crate::setting::Setting;

/// Two policies, one around the other, so that an order other than msa's own can be put together; and the fallback.
#[derive(Debug)]
pub(crate) struct Guards {
    pub(crate) outer: Policy,
    pub(crate) inner: Policy,
    pub(crate) retry_on: Failures,
    pub(crate) fallback: bool,
    pub(crate) fallback_on: Failures,
    pub(crate) fallback_fails: bool,
}

impl Guards {
    pub(crate) fn read(setting: &Setting<'_>, kind: &str) -> Result<Self, Trouble> {
        let bulkhead = bulkhead(setting)?;
        if kind == "bulkhead" && bulkhead.is_none() {
            return Err(Trouble::inexpressible("a bulkhead without `max`"));
        }
        let section = setting.object("retry")?;
        let retry = retry(section.as_ref().unwrap_or(setting))?;
        let retry_on = Failures {
            only: failures(section.as_ref(), &["retry_on"])?,
            never: failures(section.as_ref(), &["abort_on"])?.unwrap_or_default(),
        };
        if let Some(section) = &section {
            section.all_known()?;
        }
        let timeout = setting.time("timeout")?;

        let mut outer = Policy::builder("outer");
        let mut inner = Policy::builder("inner");
        if let Some(timeout) = timeout {
            inner = inner.attempt_timeout(Span::new(timeout));
        }
        // Ours holds the place while a call waits to be repeated; others' does not.
        match setting.text("order")?.map(order).transpose()?.flatten() {
            Some(Outside::Bulkhead) => {
                outer = bulkhead
                    .into_iter()
                    .fold(outer, |to, part| to.bulkhead(part));
            }
            Some(Outside::Retry) | None => {
                inner = bulkhead
                    .into_iter()
                    .fold(inner, |to, part| to.bulkhead(part));
            }
        }
        outer = retry.into_iter().fold(outer, |to, part| to.retry(part));
        let fallback_on = Failures {
            only: failures(Some(setting), &["apply_on", "fallback_on"])?,
            never: failures(Some(setting), &["skip_on"])?.unwrap_or_default(),
        };
        Ok(Self {
            outer: build(outer)?,
            inner: build(inner)?,
            retry_on,
            fallback: setting.flag("fallback")?.unwrap_or(kind == "fallback"),
            fallback_on,
            fallback_fails: setting.flag("fallback_fails")?.unwrap_or(false),
        })
    }
}

/// Which of bulkhead and retry is around the other.
enum Outside {
    Retry,
    Bulkhead,
}

/// `retry outside bulkhead`, `fallback outside retry outside timeout`: what matters of it, once it is one that can be had.
fn order(text: &str) -> Result<Option<Outside>, Trouble> {
    let steps: Vec<&str> = text.split(" outside ").map(str::trim).collect();
    let place = |name: &str| steps.iter().position(|step| *step == name);
    let known = ["fallback", "retry", "timeout", "bulkhead", "call"];
    let in_order = |above: &str, below: &str| match (place(above), place(below)) {
        (Some(above), Some(below)) => above < below,
        _ => true,
    };
    let expressible = steps.iter().all(|step| known.contains(step))
        && in_order("fallback", "retry")
        && in_order("fallback", "timeout")
        && in_order("fallback", "bulkhead")
        && in_order("retry", "timeout");
    if !expressible {
        return Err(Trouble::inexpressible(format!("the order `{text}`")));
    }
    Ok(match (place("retry"), place("bulkhead")) {
        (Some(retry), Some(bulkhead)) if bulkhead < retry => Some(Outside::Bulkhead),
        (Some(_), Some(_)) => Some(Outside::Retry),
        _ => None,
    })
}

fn bulkhead(setting: &Setting<'_>) -> Result<Option<Bulkhead>, Trouble> {
    let mut max = None;
    for key in ["max", "value", "max_concurrent", "max_concurrent_calls"] {
        max = max.or(setting.count(key)?);
    }
    let queue = match setting.count("queue")? {
        Some(queue) => Some(queue),
        None => setting.count("waiting_task_queue")?,
    };
    let wait = setting.time("max_wait")?;
    let Some(max) = max else {
        return Ok(None);
    };
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let config = match (queue.unwrap_or(0), wait) {
        // Whoever may wait and has no bound on how many, as resilience4j.
        (0, Some(wait)) => BulkheadConfig::resilience4j(narrow(max), wait),
        (queue, None) => BulkheadConfig::microprofile(narrow(max), narrow(queue)),
        (queue, Some(wait)) => {
            BulkheadConfig::microprofile(narrow(max), narrow(queue)).max_wait(wait)
        }
    };
    Ok(Some(Bulkhead::new(config)))
}

fn retry(setting: &Setting<'_>) -> Result<Option<Retry>, Trouble> {
    let Some(retries) = setting.count("max_retries")? else {
        return Ok(None);
    };
    let delay = setting.time("delay")?.unwrap_or(Duration::ZERO);
    if setting
        .time("jitter")?
        .is_some_and(|jitter| !jitter.is_zero())
    {
        return Err(Trouble::inexpressible(
            "a jitter that is added to the delay",
        ));
    }
    // The budget is of the destination, and no case here has one.
    let retry = Retry::default()
        .max_retries(u32::try_from(retries).unwrap_or(u32::MAX))
        .backoff(Backoff::fixed(delay))
        .budget(Budget::Unlimited);
    Ok(Some(retry))
}

fn failures(setting: Option<&Setting<'_>>, keys: &[&str]) -> Result<Option<Vec<String>>, Trouble> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    for key in keys {
        if let Some(names) = Failures::read(setting.get(key))? {
            return Ok(Some(names));
        }
    }
    Ok(None)
}
