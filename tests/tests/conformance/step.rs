//! The grammar that the events of all kinds share: steps, repetition, and time.

use std::time::Duration;

use msa_core::clock::{self, Instant};

use crate::case::Trouble;

/// The most steps that one event may stand for; more is a slip of the pen and not a test.
const MOST: usize = 10_000_000;

/// The steps of an event, one after the other: `a; b` is both, `repeat:3 a then b` is `a b a b a b`.
pub(crate) fn each(
    event: &str,
    mut step: impl FnMut(&str) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    for part in event
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let Some(repeat) = part.strip_prefix("repeat:") else {
            step(part)?;
            continue;
        };
        let (times, body) = repeat.split_once(' ').unwrap_or((repeat, ""));
        let times = number::<usize>(times, part)?;
        let steps: Vec<&str> = body.split(" then ").map(str::trim).collect();
        if times.saturating_mul(steps.len()) > MOST {
            let what = format!("`{part}` is more than {MOST} steps");
            return Err(Trouble::inexpressible(what));
        }
        for _ in 0..times {
            steps.iter().try_for_each(|one| step(one))?;
        }
    }
    Ok(())
}

/// A number that stands in an event.
pub(crate) fn number<N: std::str::FromStr>(text: &str, event: &str) -> Result<N, Trouble> {
    text.trim().parse().map_err(|_| {
        Trouble::inexpressible(format!("`{text}` is not the number that `{event}` needs"))
    })
}

/// The time of a case: it stands still unless an event moves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    passed: Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: clock::now(),
            passed: Duration::ZERO,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.start + self.passed
    }

    /// Moves the clock if this step is about time, and tells whether it was: `advance:500`, `advance 1s`,
    /// `advance_ns:3`, `at_ms:10`, `at_s:3`. A clock that stood farther ahead is never set back.
    pub(crate) fn step(&mut self, step: &str) -> Result<bool, Trouble> {
        let (verb, text) = step.split_once([':', ' ']).unwrap_or((step, ""));
        let Some((to, unit)) = verb_of(verb) else {
            return Ok(false);
        };
        let time = time(text, unit, step)?;
        let passed = if to {
            Some(time.max(self.passed))
        } else {
            self.passed.checked_add(time)
        };
        // An `Instant` past what the platform can tell would panic when it is made.
        self.passed = passed
            .filter(|passed| self.start.checked_add(*passed).is_some())
            .ok_or_else(|| Trouble::inexpressible(format!("`{step}` lies too far ahead")))?;
        Ok(true)
    }
}

/// How far a step that is about time moves a clock that stands at its beginning, for those who have a clock of their own.
pub(crate) fn duration(step: &str) -> Result<Option<Duration>, Trouble> {
    let mut clock = Clock::new();
    Ok(clock.step(step)?.then_some(clock.passed))
}

/// Whether it sets the clock, and in which unit a bare number stands, in nanoseconds.
fn verb_of(verb: &str) -> Option<(bool, u64)> {
    let (verb, unit) = verb.rsplit_once('_').unwrap_or((verb, "ms"));
    let unit = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    match verb {
        "advance" => Some((false, unit)),
        "at" => Some((true, unit)),
        _ => None,
    }
}

/// `1500`, in the unit that the verb has, or `1s`, `250ms` with its own.
fn time(text: &str, unit: u64, step: &str) -> Result<Duration, Trouble> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (amount, own) = text.split_at(digits);
    let unit = match own.trim() {
        "" => unit,
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(Trouble::unknown_event(step)),
    };
    let nanos = match amount.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit),
        Err(_) => Some((number::<f64>(amount, step)? * unit as f64) as u64),
    };
    nanos
        .map(Duration::from_nanos)
        .ok_or_else(|| Trouble::inexpressible(format!("`{step}` lies too far ahead")))
}
