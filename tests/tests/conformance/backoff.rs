//! The cases of kind `backoff`: [`Backoff`], asked for one wait after the other with the chance that the case names.

use std::time::Duration;

use msa_core::resilience::retry::{Backoff, Jitter};
use serde_json::{Value, json};

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step;

/// Formula and numbers of a case; an event may have other numbers for itself.
#[derive(Clone, Copy)]
struct Shape<'c> {
    kind: &'c str,
    base: Duration,
    step: Option<Duration>,
    factor: f64,
    max: Option<Duration>,
    jitter: Jitter,
}

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let shape = Shape::read(&setting)?;
    setting.all_known()?;
    // resilience4j counts attempts from 1, the others retries from 0.
    let zero = (case.events.iter()).any(|event| event.split(' ').any(|word| word == "attempt:0"));
    let first = u32::from(case.id.starts_with("r4j") && !zero);
    let mut last = Duration::ZERO;

    case.play(|event, _| {
        let (mut shape, mut chance, mut attempts) = (shape, None, None);
        for word in event.split_whitespace() {
            let (name, value) = word.split_once(':').unwrap_or((word, ""));
            let ms = || step::number(value, event).map(Duration::from_millis);
            match name {
                "attempt" => attempts = Some(range(value, event)?),
                "rand" => chance = Some(step::number::<f64>(value, event)?),
                "base_ms" | "initial_ms" => shape.base = ms()?,
                "step_ms" => shape.step = Some(ms()?),
                "max_ms" => shape.max = Some(ms()?),
                "multiplier" => shape.factor = step::number(value, event)?,
                _ => return Err(Trouble::unknown_event(event)),
            }
        }
        let (from, to) = attempts.ok_or_else(|| Trouble::unknown_event(event))?;
        let backoff = shape.backoff()?;
        let waits: Vec<(Duration, Duration, Duration)> = (from..=to)
            .map(|attempt| {
                let retry = attempt.saturating_sub(first);
                let by = |chance| backoff.delay(retry, last, chance);
                let said = by(chance.unwrap_or(0.5));
                let all = (said, by(0.0), by(1.0));
                last = said;
                all
            })
            .collect();
        let rising = |strictly: bool| {
            let mut before = None;
            let rises = waits.iter().all(|(wait, ..)| {
                let before = before.replace(*wait);
                before.is_none_or(|before| before < *wait || (!strictly && before == *wait))
            });
            json!(rises)
        };
        let ms = |wait: Duration| json!(wait.as_secs_f64() * 1000.0);
        let Some((said, least, most)) = waits.last().copied() else {
            return Err(Trouble::unknown_event(event));
        };
        Ok(Seen::from([
            ("ms", ms(said)),
            ("min_ms", ms(least)),
            ("max_ms", ms(most)),
            ("strictly_increasing", rising(true)),
            ("non_decreasing", rising(false)),
        ]))
    })
}

fn range(text: &str, event: &str) -> Result<(u32, u32), Trouble> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (step::number(from, event)?, step::number(to, event)?);
    if to < from || to - from > 1_000_000 {
        return Err(Trouble::inexpressible(format!(
            "`{event}` has no such range"
        )));
    }
    Ok((from, to))
}

impl<'c> Shape<'c> {
    fn read(setting: &Setting<'c>) -> Result<Self, Trouble> {
        let time = |names: &[&str]| {
            let mut found = Ok(None);
            for name in names {
                if let Some(time) = setting.time(name)? {
                    found = Ok(Some(time));
                }
            }
            found
        };
        let base = time(&["initial", "base", "delay", "interval", "start"])?;
        let factor = setting.number("multiplier")?;
        let share = setting.number("randomization_factor")?;
        let kind = match setting.text("type")? {
            Some(kind) => kind,
            None if factor.is_some() => "exponential",
            None => "constant",
        };
        let jitter = match (share, setting.get("jitter"), setting.time("jitter")?) {
            (Some(share), _, _) => Jitter::Share(share),
            (_, _, Some(around)) => Jitter::Around(around),
            (_, None | Some(Value::Null | Value::Bool(false)), _) => Jitter::None,
            (_, Some(Value::Bool(true)), _) => Jitter::Share(0.25),
            (_, Some(Value::String(words)), _) => jitter(words)?,
            (_, Some(other), _) => return Err(unknown(other)),
        };
        Ok(Self {
            kind,
            base: base.unwrap_or_default(),
            step: time(&["step", "offset"])?,
            factor: factor.unwrap_or(2.0),
            max: time(&["max", "max_delay"])?,
            jitter,
        })
    }

    fn backoff(&self) -> Result<Backoff, Trouble> {
        let max = self.max.unwrap_or(Duration::MAX);
        let backoff = match self.kind {
            "exponential" => Backoff::exponential(self.base, self.factor),
            "linear" => Backoff::linear(self.base, self.step.unwrap_or(self.base)),
            "constant" | "const" | "fixed" => Backoff::fixed(self.base),
            "decorrelated" | "decorrelated_jitter" => {
                return Ok(Backoff::decorrelated(self.base, max));
            }
            "full_jitter" | "exponential_jittered" => {
                return Ok(Backoff::full_jitter(self.base, max));
            }
            other => return Err(unknown(other)),
        };
        Ok(backoff.jitter(self.jitter).max(max))
    }
}

fn jitter(words: &str) -> Result<Jitter, Trouble> {
    let percent = words
        .split_once("percent")
        .and_then(|(before, _)| before.trim_end().rsplit(' ').next()?.parse::<f64>().ok());
    match (words, percent) {
        (_, Some(percent)) => Ok(Jitter::Share(percent / 100.0)),
        ("none", _) => Ok(Jitter::None),
        ("full", _) => Ok(Jitter::Full),
        ("equal", _) => Ok(Jitter::Equal),
        ("decorrelated", _) => Ok(Jitter::Decorrelated),
        _ => Err(unknown(words)),
    }
}

fn unknown(what: impl std::fmt::Debug) -> Trouble {
    Trouble::inexpressible(format!("the backoff {what:?} is not known"))
}
