#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

#[cfg(feature = "rate-limit")]
mod dropped;
mod waits;

use std::cell::Cell;
use std::error::Error as _;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tower::{Layer as _, Service as _, service_fn};

use super::*;
use crate::clock;
use crate::config::{
    BreakerSettings, Loader, PolicyOverrides, PolicySettings, RetrySettings, Span,
};
use crate::event::Observers;
use crate::resilience::breaker::{Breaker, BreakerConfig, State};
use crate::resilience::bulkhead::{Bulkhead, BulkheadConfig};
use crate::resilience::coalesce::SingleFlight;
use crate::resilience::fallback;
use crate::resilience::retry::{Backoff, Retry, When};
use crate::resilience::throttle::Throttle;
use crate::testing::Recorder;
use crate::txn::{self, Incoming, Minter, Txn};

mod kept;

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("broken")]
struct Broken;

fn span(ms: u64) -> Span {
    Span::millis(ms)
}

fn retry(max: u32) -> Retry {
    Retry::default()
        .max_retries(max)
        .backoff(Backoff::fixed(10 * MS))
}

/// Opens at the first failure.
fn touchy() -> Breaker {
    let config = BreakerConfig {
        consecutive_failures: Some(1),
        ..BreakerConfig::default()
    };
    Breaker::seeded(config, 1)
}

fn bulkhead(permits: u32) -> Bulkhead {
    Bulkhead::new(BulkheadConfig::default().max_concurrent(permits))
}

fn overrides(toml: &str) -> PolicyOverrides {
    let config = Loader::new("svc").toml_str("msa.toml", format!("[policies.p]\n{toml}"));
    let settings = config.env([("PORT", "0")]).load().unwrap().settings();
    settings.policies["p"].clone()
}

/// Fails until it was called so often.
fn fails_until(
    good: u32,
) -> (
    Arc<AtomicU32>,
    impl FnMut() -> std::future::Ready<Result<u32, Broken>>,
) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let work = move || {
        let run = counted.fetch_add(1, Ordering::Relaxed) + 1;
        std::future::ready(if run < good { Err(Broken) } else { Ok(run) })
    };
    (runs, work)
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_parts_only_calls() {
    let policy = Policy::builder("p").build().unwrap();
    assert_eq!(policy.call(async || Ok::<_, Broken>(7)).await.unwrap(), 7);
    let error = policy
        .call(async || Err::<(), _>(Broken))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.inner()),
        (PolicyErrorKind::Failed, Some(&Broken))
    );
    assert!(error.source().unwrap().is::<Broken>());
    assert_eq!(error.into_inner().unwrap(), Broken);
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_the_calls_and_the_earlier_ones_are_listed() {
    let policy = Policy::builder("p")
        .retry(retry(2))
        .attempt_timeout(span(100));
    let policy = policy.build().unwrap();
    let run = Cell::new(0);
    let error = policy
        .call(|| {
            run.set(run.get() + 1);
            let hang = run.get() != 1;
            async move {
                if hang {
                    pending::<()>().await;
                }
                Err::<(), _>(Broken)
            }
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::AttemptTimeout);
    let earlier: Vec<_> = error
        .earlier()
        .iter()
        .map(|attempt| attempt.elapsed)
        .collect();
    assert_eq!(earlier, [Duration::ZERO, 100 * MS]);
    assert_eq!(
        error.to_string(),
        "policy `p`: no answer within the attempt timeout of 100ms (attempt 3; before: failed, attempt_timeout)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_total_deadline_covers_attempts_and_waits_and_still_lists_them() {
    let policy = Policy::builder("p")
        .timeout(span(250))
        .attempt_timeout(span(100))
        .retry(retry(9));
    let policy = policy.build().unwrap();
    let began = clock::now();
    let error = policy
        .call(pending::<Result<(), Broken>>)
        .await
        .unwrap_err();
    assert_eq!(clock::since(began), 250 * MS);
    assert_eq!(
        (error.kind(), error.earlier().len()),
        (PolicyErrorKind::DeadlineExceeded, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn an_inherited_deadline_that_has_passed_is_not_worth_a_call() {
    let incoming = Incoming {
        timeout: Some(Duration::ZERO),
        ..Incoming::default()
    };
    let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now());
    let policy = Policy::builder("p").timeout(span(1000)).build().unwrap();
    let (runs, work) = fails_until(1);
    let error = txn::scope(txn, policy.call(work)).await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::DeadlineExceeded);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_asks_the_breaker_and_an_open_one_ends_the_call() {
    let recorder = Recorder::new();
    let policy = Policy::builder("p")
        .retry(retry(5))
        .breaker(touchy())
        .observers(Observers::none().with(recorder.clone()))
        .build()
        .unwrap();
    let (runs, work) = fails_until(9);
    let error = policy.call(work).await.unwrap_err();
    assert_eq!(
        (error.kind(), runs.load(Ordering::Relaxed)),
        (PolicyErrorKind::CircuitOpen, 1)
    );
    assert!(error.retry_after().is_some() && error.earlier().len() == 1);
    assert_eq!(policy.breaker().unwrap().state(clock::now()), State::Open);
    let told = format!("{:?}", recorder.events());
    let [opened, retried, refused] =
        ["BreakerChanged", "Retried", "circuit_breaker"].map(|what| told.find(what).unwrap());
    assert!(opened < retried && retried < refused, "{told}");
}

#[tokio::test(start_paused = true)]
async fn hanging_until_the_total_deadline_is_a_failure_to_the_breaker_and_being_dropped_is_not() {
    let policy = Policy::builder("p")
        .timeout(span(100))
        .breaker(touchy())
        .build()
        .unwrap();
    let dropped = policy.call(pending::<Result<(), Broken>>);
    assert!(tokio::time::timeout(50 * MS, dropped).await.is_err());
    let state = || policy.breaker().unwrap().state(clock::now());
    assert_eq!(state(), State::Closed);
    policy
        .call(pending::<Result<(), Broken>>)
        .await
        .unwrap_err();
    assert_eq!(state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_to_be_repeated_keeps_its_place_in_the_bulkhead() {
    let policy = Policy::builder("p")
        .bulkhead(bulkhead(1))
        .retry(retry(1))
        .build()
        .unwrap();
    let (_, work) = fails_until(2);
    let (other, call) = (policy.clone(), policy.call(work));
    let refused = async {
        tokio::time::sleep(5 * MS).await;
        other.call(async || Ok::<_, Broken>(0)).await.unwrap_err()
    };
    let (result, refused) = tokio::join!(call, refused);
    assert_eq!(
        (result.unwrap(), refused.kind()),
        (2, PolicyErrorKind::BulkheadFull)
    );
    assert_eq!(policy.bulkhead().unwrap().running(), 0);
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn a_call_takes_one_turn_whatever_its_attempts() {
    use crate::resilience::rate_limit::{RateLimit, RateLimitConfig};
    let config = RateLimitConfig::gcra("1/s".parse().unwrap());
    let limit = RateLimit::new(config, clock::now());
    let policy = Policy::builder("p")
        .rate_limit(limit)
        .retry(retry(3))
        .build()
        .unwrap();
    let (_, work) = fails_until(3);
    assert_eq!(policy.call(work).await.unwrap(), 3);
    let error = policy.call(async || Ok::<_, Broken>(0)).await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(980 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_stands_in_for_whatever_ended_the_call() {
    let recorder = Recorder::new();
    let policy = Policy::builder("p")
        .timeout(span(100))
        .bulkhead(bulkhead(1))
        .observers(Observers::none().with(recorder.clone()))
        .build()
        .unwrap();
    let with = || policy.with().fallback(fallback::value(7));
    assert_eq!(
        with().call(async || Err::<u32, _>(Broken)).await.unwrap(),
        7
    );
    let hangs = with().call(pending::<Result<u32, Broken>>);
    let full = with().call(async || Ok::<_, Broken>(1));
    let (hung, full) = tokio::join!(hangs, full);
    assert_eq!((hung.unwrap(), full.unwrap()), (7, 7));
    let told = format!("{:?}", recorder.events());
    for reason in ["failed", "bulkhead_full", "deadline_exceeded"] {
        assert!(
            told.contains(&format!("how: \\\"value\\\", reason: \\\"{reason}\\\"")),
            "{reason}: {told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_waits_ends_at_the_deadline_too() {
    let policy = Policy::builder("p").timeout(span(100)).build().unwrap();
    let slow = fallback::function(async |_| pending().await);
    let began = clock::now();
    let error = policy
        .with()
        .fallback(slow)
        .call(async || Err::<u32, _>(Broken))
        .await;
    assert_eq!(error.unwrap_err().kind(), PolicyErrorKind::DeadlineExceeded);
    assert_eq!(clock::since(began), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn coalesced_calls_take_one_permit_and_each_keeps_its_own_deadline() {
    let policy = Policy::builder("p")
        .timeout(span(100))
        .bulkhead(bulkhead(1))
        .build()
        .unwrap();
    let flights = SingleFlight::new();
    let slow = || async {
        tokio::time::sleep(60 * MS).await;
        Ok::<_, Broken>(7)
    };
    let call = || policy.with().coalesced(&flights, "key").call(slow);
    let (one, two) = tokio::join!(call(), call());
    assert_eq!((one.unwrap(), two.unwrap()), (7, 7));

    let never = policy.with().coalesced(&flights, "key").call(pending);
    let late = async {
        tokio::time::sleep(50 * MS).await;
        call().await // joins one that is cut off after 50 ms more, and does the work itself
    };
    let (never, late) = tokio::join!(never, late);
    assert_eq!(never.unwrap_err().kind(), PolicyErrorKind::DeadlineExceeded);
    assert_eq!(
        late.unwrap_err().kind(),
        PolicyErrorKind::DeadlineExceeded,
        "110 ms would be too long"
    );
    assert!(flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_a_failure_and_the_last_one_is_returned() {
    let policy = Policy::builder("p").retry(retry(2)).build().unwrap();
    let runs = Cell::new(0);
    let answer = policy
        .with()
        .judged_by(When(|result: &Result<u32, Broken>| result.is_ok()))
        .call(|| {
            runs.set(runs.get() + 1);
            std::future::ready(Ok(runs.get()))
        })
        .await;
    assert_eq!(answer.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn dark_reports_and_refuses_and_repeats_nothing() {
    let recorder = Recorder::new();
    let policy = Policy::builder("p")
        .dark(true)
        .bulkhead(bulkhead(0))
        .breaker(touchy())
        .throttle(Throttle::seeded(Default::default(), 1))
        .retry(retry(3))
        .observers(Observers::none().with(recorder.clone()))
        .build()
        .unwrap();
    for _ in 0..2 {
        let (runs, work) = fails_until(9);
        let error = policy.call(work).await.unwrap_err();
        assert_eq!(
            (error.kind(), runs.load(Ordering::Relaxed)),
            (PolicyErrorKind::Failed, 1)
        );
    }
    let told = format!("{:?}", recorder.events());
    for what in ["bulkhead", "circuit_breaker", "Retried"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(!told.contains("dark: false"));
}

#[tokio::test(start_paused = true)]
async fn an_override_changes_the_keys_it_sets_and_goes_again_and_state_stays() {
    let settings = PolicySettings {
        retry: Some(RetrySettings {
            max_retries: 4,
            ..RetrySettings::default()
        }),
        breaker: Some(BreakerSettings::default()),
        ..PolicySettings::default()
    };
    let policy = Policy::builder("p")
        .settings(&settings)
        .bulkhead(bulkhead(3))
        .build()
        .unwrap();
    let attempts = async || {
        let (runs, work) = fails_until(99);
        policy.call(work).await.unwrap_err();
        runs.load(Ordering::Relaxed)
    };
    assert_eq!(attempts().await, 5);
    policy.breaker().unwrap().force_open(clock::now());
    policy.update(&overrides(
        "breaker.min_calls = 7\nbulkhead.max_concurrent = 9\nretry.backoff.base = '1ms'",
    ));
    assert_eq!(attempts().await, 0, "it is open still");
    assert_eq!(policy.breaker().unwrap().config().min_calls, 7);
    assert_eq!(policy.bulkhead().unwrap().available(), 9);
    policy.breaker().unwrap().close(clock::now());
    assert_eq!(attempts().await, 5, "max_retries shows through");
    policy.update(&overrides("retry.max_retries = 1\nthrottle.enabled = true"));
    assert_eq!(attempts().await, 2);
    assert_eq!(policy.breaker().unwrap().config().min_calls, 20);
    policy.update(&PolicyOverrides::default());
    assert_eq!(
        (attempts().await, policy.bulkhead().unwrap().available()),
        (5, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn overrides_wait_for_policies_that_register_later() {
    let policies = Policies::new();
    let config = Loader::new("svc").toml_str(
        "msa.toml",
        "[policies]\n'a::b'.timeout = '50ms'\nno-such.timeout = '1s'",
    );
    let settings = config.env([("PORT", "0")]).load().unwrap().settings();
    assert_eq!(policies.apply(&settings), ["a::b", "no_such"]);
    let policy = Policy::builder("a::b")
        .timeout(span(500))
        .register(&policies)
        .unwrap();
    let began = clock::now();
    policy
        .call(pending::<Result<(), Broken>>)
        .await
        .unwrap_err();
    assert_eq!(clock::since(began), 50 * MS);
    let again = Policy::builder("a::b").register(&policies).unwrap_err();
    assert!(matches!(again, PolicyBuildError::NameTaken { .. }));
    assert_eq!(policies.apply(&settings), ["no_such"]);
}

#[test]
fn a_wrong_override_is_refused_when_the_configuration_is_read() {
    for (wrong, key) in [
        ("retry.max_retrys = 3", "max_retrys"),
        ("timeout = 'soon'", "timeout"),
        ("breaker.failure_rate = '150%'", "failure_rate"),
    ] {
        let toml = format!("[policies.p]\n{wrong}");
        let loader = Loader::new("svc")
            .toml_str("msa.toml", &toml)
            .env([("PORT", "0")]);
        let error = loader.load().unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("msa.toml"), "{error}");
    }
}

#[test]
fn what_cannot_work_is_not_built() {
    assert_eq!(
        Policy::builder("").build().unwrap_err(),
        PolicyBuildError::NoName
    );
    let zero = Policy::builder("p")
        .attempt_timeout(Span::ZERO)
        .build()
        .unwrap_err();
    assert!(zero.to_string().contains("attempt timeout of 0s"));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_called_under_the_policy() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let service = service_fn(move |_: http::Request<()>| {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut response = http::Response::new(run);
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            Ok::<_, Broken>(response)
        }
    });
    let policy = Policy::builder("p")
        .retry(retry(2))
        .breaker(touchy())
        .build()
        .unwrap();
    let mut service = PolicyLayer::http(policy.clone()).layer(service);
    let post = http::Request::post("/").body(()).unwrap();
    let answer = service.call(post).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), runs.load(Ordering::Relaxed)),
        (503, 1)
    );
    let open = service.call(http::Request::new(())).await.unwrap_err();
    assert_eq!(open.kind(), PolicyErrorKind::CircuitOpen);
    policy.breaker().unwrap().disable(clock::now());
    let answer = service.call(http::Request::new(())).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), runs.load(Ordering::Relaxed)),
        (503, 4)
    );
}
