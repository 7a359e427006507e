//! What the attempts of a call come to: said by the event, or by a server that counts its calls.

use msa_core::config::RetryCondition;
use serde_json::Value;

use crate::case::{Case, Trouble};
use crate::setting::Setting;
use crate::step;

/// What one attempt comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Ok,
    /// An error of this kind, or a gRPC status of this name.
    Error(String),
    Hang,
}

/// One attempt of a script.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) end: End,
    /// The values of `grpc-retry-pushback-ms`.
    pub(crate) pushback: Vec<String>,
}

/// The attempts of a call; the last one is that of all further ones.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) attempts: Vec<Attempt>,
    /// Something of the response has reached the caller before the failure.
    pub(crate) handed_out: bool,
    /// The request is longer than what is kept for a replay.
    pub(crate) too_long: bool,
}

impl Script {
    /// `fail_then_ok`, `UNAVAILABLE pushback=1000 then ok`, `response started then UNAVAILABLE`, `fail*2 then ok`.
    pub(crate) fn read(text: &str, event: &str) -> Result<Self, Trouble> {
        let text = text.split('(').next().unwrap_or(text);
        let text = text.replace("_then_", " then ");
        let mut script = Self::default();
        for part in text.split(" then ").map(str::trim) {
            if part.starts_with("response started") {
                script.handed_out = true;
            } else if part.starts_with("request body over") {
                script.too_long = true;
            } else {
                let (attempt, times) = attempt(part, event)?;
                script.attempts.extend(vec![attempt; times]);
            }
        }
        if script.attempts.is_empty() {
            return Err(Trouble::unknown_event(event));
        }
        Ok(script)
    }
}

fn attempt(part: &str, event: &str) -> Result<(Attempt, usize), Trouble> {
    let mut words = part.split_whitespace();
    let word = words.next().unwrap_or_default();
    let (word, times) = match word.split_once('*') {
        Some((word, times)) => (word, step::number(times, event)?),
        None => (word, 1),
    };
    let end = match word {
        "" => return Err(Trouble::unknown_event(event)),
        "ok" => End::Ok,
        "hang" | "timeout" => End::Hang,
        "fail" | "always_fail" => End::Error(OWN.to_owned()),
        other => End::Error(other.to_owned()),
    };
    let mut pushback = Vec::new();
    for word in words {
        let values = word.strip_prefix("pushback=");
        let values = values.ok_or_else(|| Trouble::unknown_event(event))?;
        pushback.extend(values.split(',').map(str::to_owned));
    }
    if times > 1_000_000 {
        return Err(Trouble::inexpressible(format!("`{event}` is too long")));
    }
    Ok((Attempt { end, pushback }, times))
}

/// The kind of an error of which nothing else is said.
pub(crate) const OWN: &str = "TestError";

/// A server that answers by the number of the call: `server_ok_at_calls: [1, 3]`, `server_internal_at_calls: [2]`.
pub(crate) struct Server {
    calls: u64,
    by_call: Vec<(u64, End)>,
    otherwise: End,
}

impl Server {
    pub(crate) fn read(case: &Case, setting: &Setting<'_>) -> Result<Self, Trouble> {
        let mut by_call = Vec::new();
        for key in case.config.keys() {
            let name = key.strip_prefix("server_");
            let Some(name) = name.and_then(|key| key.strip_suffix("_at_calls")) else {
                continue;
            };
            let numbers = setting.get(key).and_then(Value::as_array);
            let numbers = numbers.into_iter().flatten().filter_map(Value::as_u64);
            let end = match name {
                "ok" => End::Ok,
                other => End::Error(other.to_uppercase()),
            };
            by_call.extend(numbers.map(|number| (number, end.clone())));
        }
        let first = setting
            .get("retry_on")
            .and_then(|names| names.get(0)?.as_str());
        Ok(Self {
            calls: 0,
            by_call,
            otherwise: End::Error(first.unwrap_or(OWN).to_owned()),
        })
    }

    pub(crate) fn answer(&mut self) -> End {
        self.calls += 1;
        let said = self.by_call.iter().find(|(call, _)| *call == self.calls);
        said.map_or(&self.otherwise, |(_, end)| end).clone()
    }

    /// A call whose end is said elsewhere.
    pub(crate) fn count(&mut self) {
        self.calls += 1;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }
}

/// The gRPC status of this name, such as `UNAVAILABLE`.
pub(crate) fn grpc(name: &str) -> Option<(RetryCondition, u8)> {
    if name.chars().any(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let name = name.to_lowercase().replace('_', "-");
    match name.parse() {
        Ok(condition @ RetryCondition::Grpc(code)) => Some((condition, code)),
        _ => None,
    }
}
