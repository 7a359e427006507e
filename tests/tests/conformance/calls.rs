//! Whole calls through a [`Policy`], on a paused clock: for the kinds whose events are calls.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use msa_core::clock;
use msa_core::resilience::bulkhead::Bulkhead;
use msa_core::resilience::fallback;
use msa_core::resilience::policy::{Policy, PolicyError, PolicyErrorKind};
use msa_core::resilience::retry::When;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::guards::Guards;
use crate::setting::Setting;
use crate::step;

/// What the protected function fails with.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("as the case says")]
pub(crate) struct Fails;

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let guards = Guards::read(&setting, &case.kind)?;
    let work = Work {
        takes: setting.time("run")?,
        ends: outcomes(setting.text("run_ends_with")?.unwrap_or("ok"))?,
        runs: Arc::default(),
    };
    setting.all_known()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| Trouble::failed(format!("no runtime: {error}")))?;
    let mut rig = Rig {
        runtime,
        guards: Arc::new(guards),
        work,
        calls: Vec::new(),
        permits: Vec::new(),
        moved_up: 0,
    };
    case.play(|event, _| {
        let mut seen = Seen::new();
        step::each(event, |one| rig.step(one, &mut seen))?;
        seen.insert("total_runs", json!(rig.work.runs.load(Ordering::Relaxed)));
        if let Some(bulkhead) = rig.guards.bulkhead() {
            seen.insert("available", json!(bulkhead.available()));
            seen.insert("running", json!(bulkhead.running()));
            seen.insert("queued", json!(bulkhead.waiting()));
            seen.insert("waiting", json!(bulkhead.waiting()));
        }
        Ok(seen)
    })
}

/// How the attempts of a call end, in turn; the last goes on.
type Ends = VecDeque<End>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Ok,
    Fail,
    /// Longer than any limit.
    Hang,
}

/// `fail`, or one for each attempt: `fail,fail,ok`.
fn outcomes(text: &str) -> Result<Ends, Trouble> {
    let each = text.split(',').map(|one| match one.trim() {
        "ok" | "success" | "always_ok" => Ok(End::Ok),
        "fail" | "failure" | "always_fail" | "error" => Ok(End::Fail),
        "hang" | "always_hang" | "timeout" => Ok(End::Hang),
        other => Err(Trouble::inexpressible(format!(
            "a call that ends with `{other}`"
        ))),
    });
    each.collect()
}

/// The protected function.
#[derive(Debug, Clone)]
struct Work {
    takes: Option<Duration>,
    ends: Ends,
    /// How often it really ran, in all calls.
    runs: Arc<AtomicU64>,
}

/// Longer than the timeouts of any case, and an end for a case that has none.
const HANGS: Duration = Duration::from_secs(24 * 60 * 60);

impl Work {
    async fn attempt(&self, number: u64) -> Result<(), Fails> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let end = self.ends.get(at).or(self.ends.back());
        let end = end.copied().unwrap_or(End::Ok);
        let takes = match (end, self.takes) {
            (End::Hang, None) => Some(HANGS),
            (_, takes) => takes,
        };
        if let Some(takes) = takes {
            tokio::time::sleep(takes).await;
        }
        match end {
            End::Fail => Err(Fails),
            End::Ok | End::Hang => Ok(()),
        }
    }
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stands {
    /// It has not begun to run.
    Queued,
    Running,
    /// An attempt ended, and it has not ended.
    WaitingToRetry,
    Ended(&'static str),
}

impl Stands {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingToRetry => "waiting_to_retry",
            Self::Ended(result) => result,
        }
    }
}

/// A call that stays in flight.
struct Held {
    name: Option<String>,
    told: Arc<Told>,
    task: JoinHandle<()>,
    was: Stands,
    began: clock::Instant,
}

/// What a held call and the case tell each other.
#[derive(Debug)]
struct Told(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    stands: Stands,
    finish: Option<oneshot::Sender<End>>,
    elapsed: Duration,
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Rig {
    runtime: Runtime,
    guards: Arc<Guards>,
    work: Work,
    calls: Vec<Held>,
    permits: Vec<msa_core::resilience::bulkhead::OwnedPermit>,
    /// Calls that came from the queue since somebody looked.
    moved_up: u64,
}

impl Rig {
    fn step(&mut self, step: &str, seen: &mut Seen) -> Result<(), Trouble> {
        if let Some(by) = step::duration(step)? {
            self.runtime.block_on(async {
                settle().await;
                // Timer by timer, as time passes.
                tokio::time::sleep(by).await;
                settle().await;
            });
            self.look();
            return Ok(());
        }
        let mut parts = step.split(':');
        let verb = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        match (verb, rest.as_slice()) {
            ("start", ["held"]) => self.start(None, seen),
            ("start", [name, "held"]) => self.start(Some(*name), seen),
            ("finish", [how]) => self.finish(None, how, seen),
            ("finish", [name, how]) => self.finish(Some(name), how, seen),
            ("observe" | "state", [name]) => {
                let call = self.named(name, step)?;
                let stands = call.told.lock().stands.name();
                seen.insert("r", json!(stands));
                Ok(())
            }
            ("cancel" | "drop" | "abandon", [name]) => {
                self.named(name, step)?.task.abort();
                self.settle();
                Ok(())
            }
            ("observe" | "state" | "metrics" | "total_runs" | "balance", []) => {
                seen.insert(
                    "newly_running_from_queue",
                    json!(std::mem::take(&mut self.moved_up)),
                );
                let running = (self.calls.iter()).filter(|call| call.was == Stands::Running);
                seen.insert("in_flight", json!(running.count()));
                Ok(())
            }
            ("call", []) => {
                let work = self.work.clone();
                self.call(work, seen);
                Ok(())
            }
            ("call", [how]) => {
                let mut work = self.work.clone();
                work.ends = outcomes(how)?;
                self.call(work, seen);
                Ok(())
            }
            ("acquire", []) => self.acquire(seen),
            ("release" | "cancel", []) => {
                if self.permits.pop().is_none() {
                    return Err(Trouble::inexpressible("there is no permit to give back"));
                }
                self.settle();
                Ok(())
            }
            _ => Err(Trouble::unknown_event(step)),
        }
    }

    fn named(&self, name: &str, step: &str) -> Result<&Held, Trouble> {
        let mut calls = self.calls.iter().rev();
        calls
            .find(|call| call.name.as_deref() == Some(name))
            .ok_or_else(|| Trouble::inexpressible(format!("`{step}`: no call is named {name}")))
    }

    /// Lets everything run that can, without any time passing.
    fn settle(&mut self) {
        self.runtime.block_on(settle());
        self.look();
    }

    fn look(&mut self) {
        for call in &mut self.calls {
            let now = call.told.lock().stands;
            if call.was == Stands::Queued && now == Stands::Running {
                self.moved_up += 1;
            }
            call.was = now;
        }
    }

    fn start(&mut self, name: Option<&str>, seen: &mut Seen) -> Result<(), Trouble> {
        let told = Arc::new(Told(Mutex::new(Inner {
            stands: Stands::Queued,
            finish: None,
            elapsed: Duration::ZERO,
        })));
        let (guards, runs) = (self.guards.clone(), self.work.runs.clone());
        let at_work = told.clone();
        let began = self.runtime.block_on(async { clock::now() });
        let ended = told.clone();
        let task = self.runtime.spawn(async move {
            let work = || {
                let (told, runs) = (at_work.clone(), runs.clone());
                async move {
                    runs.fetch_add(1, Ordering::Relaxed);
                    let (finish, finished) = oneshot::channel();
                    {
                        let mut told = told.lock();
                        told.stands = Stands::Running;
                        told.finish = Some(finish);
                    }
                    let end = finished.await.unwrap_or(End::Fail);
                    told.lock().stands = Stands::WaitingToRetry;
                    if end == End::Fail { Err(Fails) } else { Ok(()) }
                }
            };
            let result = guards.call(work).await;
            let mut told = ended.lock();
            told.stands = Stands::Ended(result);
            told.elapsed = clock::since(began);
        });
        self.runtime.block_on(settle());
        // What runs at once was never in the queue.
        let was = told.lock().stands;
        seen.insert("r", json!(was.name()));
        let waited = told.lock().elapsed.as_secs_f64() * 1e3;
        seen.insert("elapsed_ms", json!(waited));
        self.calls.push(Held {
            name: name.map(str::to_owned),
            told,
            task,
            was,
            began,
        });
        self.look();
        Ok(())
    }

    fn finish(&mut self, name: Option<&str>, how: &str, seen: &mut Seen) -> Result<(), Trouble> {
        let runs = |call: &&Held| call.told.lock().finish.is_some();
        // `finish:any_running` and `finish:A` name a call and leave open how it ends.
        let (name, how) = match (name, how) {
            (None, "any_running" | "any") => (None, "ok"),
            (Some("any_running" | "any"), how) => (None, how),
            (None, other) if outcomes(other).is_err() => (Some(other), "ok"),
            other => other,
        };
        let end = outcomes(how)?.front().copied().unwrap_or(End::Ok);
        let call = match name {
            Some(name) => self.named(name, "finish")?,
            None => (self.calls.iter().find(runs))
                .ok_or_else(|| Trouble::inexpressible("no call runs that could finish"))?,
        };
        let Some(finish) = call.told.lock().finish.take() else {
            return Err(Trouble::failed(
                "the call does not run, so it cannot finish",
            ));
        };
        // Its receiver is gone only when the call was cut off meanwhile, which is seen below.
        let _ = finish.send(end);
        let (told, began) = (call.told.clone(), call.began);
        self.settle();
        let elapsed = self.runtime.block_on(async { clock::since(began) });
        seen.insert("r", json!(told.lock().stands.name()));
        seen.insert("elapsed_ms", json!(elapsed.as_secs_f64() * 1e3));
        Ok(())
    }

    /// A whole call; the paused clock runs on to whatever it waits for.
    fn call(&mut self, work: Work, seen: &mut Seen) {
        let guards = self.guards.clone();
        let before = self.work.runs.load(Ordering::Relaxed);
        let (result, elapsed) = self.runtime.block_on(async move {
            let began = clock::now();
            let number = AtomicU64::new(0);
            let attempt = || {
                let (work, at) = (work.clone(), number.fetch_add(1, Ordering::Relaxed));
                async move { work.attempt(at).await }
            };
            (guards.call(attempt).await, clock::since(began))
        });
        let runs = self.work.runs.load(Ordering::Relaxed) - before;
        seen.insert("r", json!(result));
        seen.insert("runs", json!(runs));
        seen.insert("elapsed_ms", json!(elapsed.as_secs_f64() * 1e3));
        self.look();
    }

    fn acquire(&mut self, seen: &mut Seen) -> Result<(), Trouble> {
        let Some(bulkhead) = self.guards.bulkhead() else {
            return Err(Trouble::inexpressible(
                "there is no bulkhead to ask for a permit",
            ));
        };
        let (permit, waited) = self.runtime.block_on(async {
            let began = clock::now();
            let acquired = bulkhead.acquire(began);
            // One that waits without a limit would wait for ever here, as nobody gives back meanwhile.
            let permit = tokio::time::timeout(HANGS, acquired).await;
            let permit = permit.ok().and_then(Result::ok);
            (
                permit.map(|permit| permit.into_owned()),
                clock::since(began),
            )
        });
        seen.insert("permit", json!(permit.is_some()));
        seen.insert("waited_ms", json!(waited.as_secs_f64() * 1e3));
        self.permits.extend(permit);
        Ok(())
    }
}

/// Enough turns for every task to come to where it waits.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

impl Guards {
    /// Calls under the guards; the answer is the name that cases have for it.
    async fn call<F, Fut>(&self, work: F) -> &'static str
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<(), Fails>> + Send,
    {
        let fell_back = AtomicU64::new(0);
        let stands_in = fallback::function(async |error: Nested| {
            fell_back.fetch_add(1, Ordering::Relaxed);
            if self.fallback_fails {
                Err(error)
            } else {
                Ok(())
            }
        });
        let stands_in = stands_in
            .only_when(|error: &Nested| self.fallback && self.fallback_on.covers(name_of(error)));
        let again = When(|result: &Result<(), PolicyError<Fails>>| match result {
            Ok(()) => false,
            Err(error) => self.retry_on.covers(kind_name(error.kind())),
        });
        let result = self
            .outer
            .with()
            .judged_by(again)
            .fallback(stands_in)
            .call(|| self.inner.call(&work))
            .await;
        match result {
            Ok(()) if fell_back.load(Ordering::Relaxed) > 0 => "fallback_value",
            Ok(()) => "ok",
            Err(_) if fell_back.load(Ordering::Relaxed) > 0 => "fallback_failed",
            Err(error) => name_of(&error),
        }
    }

    fn bulkhead(&self) -> Option<Bulkhead> {
        self.inner.bulkhead().or_else(|| self.outer.bulkhead())
    }
}

/// Of the outer policy, around the inner one.
type Nested = PolicyError<PolicyError<Fails>>;

fn name_of(error: &Nested) -> &'static str {
    let kind = error.inner().map_or(error.kind(), PolicyError::kind);
    kind_name(kind)
}

fn kind_name(kind: PolicyErrorKind) -> &'static str {
    match kind {
        PolicyErrorKind::Failed => "fail",
        PolicyErrorKind::AttemptTimeout | PolicyErrorKind::DeadlineExceeded => "timeout",
        PolicyErrorKind::CircuitOpen => "open",
        PolicyErrorKind::BulkheadFull => "bulkhead_full",
        PolicyErrorKind::RateLimited => "rate_limited",
        _ => "refused",
    }
}

/// Which failures, by the names of the results.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failures {
    pub(crate) only: Option<Vec<String>>,
    pub(crate) never: Vec<String>,
}

impl Failures {
    pub(crate) fn read(value: Option<&Value>) -> Result<Option<Vec<String>>, Trouble> {
        let Some(value) = value else {
            return Ok(None);
        };
        let names = match value {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let known = ["fail", "timeout", "open", "bulkhead_full", "rate_limited"];
        match names.iter().find(|name| !known.contains(name)) {
            None if !names.is_empty() => Ok(Some(names.into_iter().map(str::to_owned).collect())),
            _ => Err(Trouble::inexpressible(format!(
                "{value} are no kinds of failure here"
            ))),
        }
    }

    fn covers(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|one| one == name);
        !named(&self.never) && self.only.as_deref().is_none_or(named)
    }
}

/// A policy of its own for either side of an order.
pub(crate) fn build(
    builder: msa_core::resilience::policy::PolicyBuilder,
) -> Result<Policy, Trouble> {
    builder
        .build()
        .map_err(|error| Trouble::inexpressible(error.to_string()))
}
