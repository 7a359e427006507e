//! The cases of kind `retry` and `retry_throttle`: a call of [`Retry`], with a [`Breaker`] and a time limit inside when the case
//! says so. The time is the case's own: runs and waits move it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use msa_core::config::Percent;
use msa_core::resilience::breaker::{Breaker, BreakerConfig};
use msa_core::resilience::budget::{Budget, RetryThrottle, ThrottleConfig};
use msa_core::resilience::retry::{
    Answer, Backoff, Circumstances, Conditions, Ending, Jitter, Retry,
};
use serde_json::json;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::retry_script::{Attempt, End, Script, Server, grpc};
use crate::setting::Setting;
use crate::step::{self, Clock};

pub(crate) fn run(case: &Case) -> Verdict {
    let mut player = Player::read(case)?;
    case.play(|event, _| {
        let mut seen = player.seen();
        step::each(event, |one| {
            if player.clock.step(one)? {
                return Ok(());
            }
            match one.split_once(':').unwrap_or((one, "")) {
                ("call", "") => player.call(None)?,
                ("call", text) => player.call(Some(&Script::read(text, one)?))?,
                ("total_runs" | "metrics", "") => {}
                _ => return Err(Trouble::unknown_event(one)),
            }
            seen = player.seen();
            Ok(())
        })?;
        Ok(seen)
    })
}

struct Player {
    retry: Retry,
    breaker: Option<Arc<Breaker>>,
    /// One run's length, and the limit of it.
    run: Duration,
    timeout: Option<Duration>,
    /// Retried are these and no others; all when there are none.
    retry_on: Vec<String>,
    abort_on: Vec<String>,
    server: Server,
    clock: Clock,
    last: Last,
    /// Calls that ended well or badly, without and with retries.
    totals: [[u64; 2]; 2],
}

/// What the last call came to.
#[derive(Default)]
struct Last {
    result: String,
    runs: u64,
    slept: Duration,
    elapsed: Duration,
}

impl Player {
    fn read(case: &Case) -> Result<Self, Trouble> {
        let setting = Setting::new(&case.config);
        let retries = match (
            setting.count("max_retries")?,
            setting.count("max_attempts")?,
        ) {
            (Some(retries), _) => retries,
            (None, Some(attempts)) => attempts.saturating_sub(1),
            (None, None) => 3, // MicroProfile's
        };
        let (retry_on, abort_on) = (names(&setting, "retry_on")?, names(&setting, "abort_on")?);
        let mut retry = Retry::default()
            .max_retries(u32::try_from(retries).unwrap_or(u32::MAX))
            .on(retry_on
                .iter()
                .filter_map(|name| Some(grpc(name)?.0))
                .collect::<Conditions>())
            .backoff(backoff(&setting)?)
            .budget(budget(&setting)?)
            .seed(1);
        if let Some(longest) = setting.time("max_duration")? {
            retry = retry.max_duration(longest);
        }
        if let Some(header) = setting.text("pushback_header")?
            && header != "grpc-retry-pushback-ms"
        {
            let what = format!("the pushback header `{header}` is not known");
            return Err(Trouble::inexpressible(what));
        }
        let clock = Clock::new();
        let player = Self {
            retry,
            breaker: breaker(&setting, &clock)?,
            run: setting.time("run")?.unwrap_or_default(),
            timeout: setting.time("timeout")?,
            retry_on,
            abort_on,
            server: Server::read(case, &setting)?,
            clock,
            last: Last::default(),
            totals: [[0; 2]; 2],
        };
        match setting.text("order")? {
            None | Some("retry outside breaker" | "retry outside timeout") => {}
            Some(other) => {
                return Err(Trouble::inexpressible(format!("the order `{other}`")));
            }
        }
        setting.all_known()?;
        Ok(player)
    }

    fn call(&mut self, script: Option<&Script>) -> Result<(), Trouble> {
        let retry = self.retry.clone();
        let begun = self.clock.now();
        let mut call = retry.begin(begun);
        let mut last = Last::default();
        let mut circumstances = Circumstances::default();
        if let Some(script) = script {
            circumstances.handed_out = script.handed_out;
            circumstances.repeatable = !script.too_long;
        }
        loop {
            call.started();
            let number = call.attempt() as usize - 1;
            let said = script.and_then(|script| {
                let attempts = &script.attempts;
                attempts.get(number).or(attempts.last())
            });
            let result = self.attempt(said, &mut last)?;
            let ending = self.ending(&result, said)?;
            last.result = result;
            let now = self.clock.now();
            let Some(delay) = call.after(&ending, &circumstances, || now).delay() else {
                break;
            };
            last.slept += delay;
            self.pass(delay)?;
        }
        last.elapsed = self.clock.now().duration_since(begun);
        let (failed, retried) = (last.result != "ok", call.attempt() > 1);
        let [good, bad] = &mut self.totals;
        let [once, again] = if failed { bad } else { good };
        *(if retried { again } else { once }) += 1;
        self.last = last;
        Ok(())
    }

    /// One attempt through breaker and time limit; what it came to, by the words of the cases.
    fn attempt(&mut self, said: Option<&Attempt>, last: &mut Last) -> Result<String, Trouble> {
        let now = self.clock.now();
        let permit = (self.breaker.as_ref()).map(|breaker| breaker.try_acquire_owned(now));
        match permit {
            Some(Err(_)) => Ok("open".to_owned()),
            None => self.run(said, last),
            Some(Ok(permit)) => {
                let result = self.run(said, last);
                let now = self.clock.now();
                match result.as_deref() {
                    Ok("ok") => permit.success(now),
                    _ => permit.failure(now),
                };
                result
            }
        }
    }

    fn run(&mut self, said: Option<&Attempt>, last: &mut Last) -> Result<String, Trouble> {
        last.runs += 1;
        let end = match said {
            Some(attempt) => {
                self.server.count();
                attempt.end.clone()
            }
            None => self.server.answer(),
        };
        let too_long = self.timeout.is_some_and(|timeout| self.run > timeout);
        match (end, self.timeout) {
            (End::Hang, None) => Err(Trouble::inexpressible("it hangs, and nothing ends it")),
            (End::Hang, Some(timeout)) => {
                self.pass(timeout)?;
                Ok("timeout".to_owned())
            }
            (_, Some(timeout)) if too_long => {
                self.pass(timeout)?;
                Ok("timeout".to_owned())
            }
            (End::Ok, _) => {
                self.pass(self.run)?;
                Ok("ok".to_owned())
            }
            (End::Error(kind), _) => {
                self.pass(self.run)?;
                Ok(kind)
            }
        }
    }

    fn ending(&self, result: &str, said: Option<&Attempt>) -> Result<Ending, Trouble> {
        if result == "ok" {
            return Ok(Ending::Good);
        }
        if let Some((_, code)) = grpc(result) {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", u16::from(code).into());
            for value in said.iter().flat_map(|attempt| &attempt.pushback) {
                let value = HeaderValue::from_str(value);
                let value = value.map_err(|error| Trouble::inexpressible(error.to_string()))?;
                headers.append("grpc-retry-pushback-ms", value);
            }
            return Ok(Answer::read(200, &headers, self.clock.now()).into());
        }
        let among = |names: &[String]| names.iter().any(|name| name == result);
        let again = (self.retry_on.is_empty() || among(&self.retry_on)) && !among(&self.abort_on);
        Ok(if again {
            Ending::Failed
        } else {
            Ending::Refused
        })
    }

    fn pass(&mut self, time: Duration) -> Verdict {
        let step = format!("advance_ns:{}", time.as_nanos());
        self.clock.step(&step).map(|_| ())
    }

    fn seen(&self) -> Seen {
        let Last {
            result,
            runs,
            slept,
            elapsed,
        } = &self.last;
        let known = ["ok", "timeout", "open", "bulkhead_full"].contains(&result.as_str());
        // An error of the function's own is a `fail`; a gRPC status has its name.
        let r = if known || grpc(result).is_some() {
            result
        } else {
            "fail"
        };
        let ms = |time: &Duration| json!(time.as_secs_f64() * 1000.0);
        let [[ok, ok_again], [failed, failed_again]] = self.totals;
        let calls = json!(self.server.calls());
        Seen::from([
            ("r", json!(r)),
            ("runs", json!(runs)),
            ("slept_ms", ms(slept)),
            ("elapsed_ms", ms(elapsed)),
            ("total_runs", calls.clone()),
            ("server_calls_total", calls),
            ("ok_without_retry_total", json!(ok)),
            ("ok_with_retry_total", json!(ok_again)),
            ("fail_without_retry_total", json!(failed)),
            ("fail_with_retry_total", json!(failed_again)),
        ])
    }
}

fn names(setting: &Setting<'_>, key: &str) -> Result<Vec<String>, Trouble> {
    let Some(value) = setting.get(key) else {
        return Ok(Vec::new());
    };
    let names = value.as_array().map(|names| {
        let names = names.iter().map(|name| name.as_str().map(str::to_owned));
        names.collect::<Option<Vec<_>>>()
    });
    let names = names
        .flatten()
        .ok_or_else(|| Trouble::inexpressible(format!("`{key}` is no list of names: {value}")))?;
    // `fail` is what the event calls the function's own error.
    Ok(names
        .into_iter()
        .map(|name| {
            if name == "fail" {
                crate::retry_script::OWN.to_owned()
            } else {
                name
            }
        })
        .collect())
}

fn backoff(setting: &Setting<'_>) -> Result<Backoff, Trouble> {
    let delay = setting.time("delay")?.or(setting.time("backoff")?);
    let delay = delay.unwrap_or_default();
    let backoff = match setting.number("multiplier")? {
        Some(factor) => Backoff::exponential(delay, factor),
        None => Backoff::fixed(delay),
    };
    let backoff = match setting.time("max_delay")? {
        Some(max) => backoff.max(max),
        None => backoff,
    };
    Ok(match setting.time("jitter")? {
        Some(jitter) => backoff.jitter(Jitter::Around(jitter)),
        None => backoff,
    })
}

fn budget(setting: &Setting<'_>) -> Result<Budget, Trouble> {
    let (tokens, ratio) = (
        setting.number("max_tokens")?,
        setting.number("token_ratio")?,
    );
    if tokens.is_none() && ratio.is_none() {
        return Ok(Budget::Unlimited);
    }
    let mut config = ThrottleConfig::default();
    if let Some(tokens) = tokens {
        if tokens.fract() != 0.0 || !(1.0..=1000.0).contains(&tokens) {
            let what = format!("{tokens} tokens: gRPC has 1 to 1000, whole ones");
            return Err(Trouble::inexpressible(what));
        }
        let tokens = tokens as u32;
        config = config.max_tokens(tokens);
    }
    if let Some(ratio) = ratio {
        config = config.token_ratio(ratio);
    }
    Ok(Budget::Throttle(RetryThrottle::new(config)))
}

/// MicroProfile's breaker, as all retry cases with a breaker have it.
fn breaker(setting: &Setting<'_>, clock: &Clock) -> Result<Option<Arc<Breaker>>, Trouble> {
    let Some(own) = setting.object("breaker")? else {
        return Ok(None);
    };
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let mut config = BreakerConfig::microprofile();
    if let Some(calls) = own.count("window")? {
        config = config.with_volume(small(calls));
    }
    if let Some(rate) = own.number("failure_rate")? {
        let share = Percent::from_fraction(rate);
        let no_share = || Trouble::inexpressible(format!("a failure rate of {rate}"));
        config.failure_rate = Some(share.ok_or_else(no_share)?);
    }
    if let Some(successes) = own.count("success_threshold")? {
        config = config.with_success_threshold(small(successes));
    }
    if let Some(time) = own.time("open")? {
        config = config.with_break(time);
    }
    own.all_known()?;
    let breaker = Breaker::seeded(config, 1).beginning(clock.now());
    Ok(Some(Arc::new(breaker)))
}
