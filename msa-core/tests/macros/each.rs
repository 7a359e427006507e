//! Each attribute alone does what its policy does.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use msa_core::client::{CallError, CallErrorKind};
use msa_core::problem::Problem;
use msa_core::resilience::policy::{Policies, PolicyErrorKind, Refused};
use msa_core::{bulkhead, cached, circuit_breaker, clock, fallback, hedge, retry, timeout};

type Boxed = Box<dyn std::error::Error + Send + Sync>;

const MS: Duration = Duration::from_millis(1);

/// How often something was called.
#[derive(Debug, Default)]
struct Calls(AtomicU32);

impl Calls {
    fn count(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn sum(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

fn unavailable() -> Problem {
    Problem::new(http::StatusCode::SERVICE_UNAVAILABLE)
}

#[tokio::test(start_paused = true)]
async fn retry_calls_until_it_succeeds_or_there_are_enough() {
    #[retry(max = 2)]
    async fn stock(calls: &Calls, good: u32) -> Result<u32, Problem> {
        match calls.count() {
            call if call < good => Err(unavailable()),
            call => Ok(call),
        }
    }
    Policies::new()
        .scope(async {
            assert_eq!(stock(&Calls::default(), 3).await.unwrap(), 3);
            let calls = Calls::default();
            assert_eq!(stock(&calls, 9).await.unwrap_err().status(), 503);
            assert_eq!(calls.sum(), 3);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn retry_leaves_what_the_caller_did_wrong() {
    #[retry(3)]
    async fn stock(calls: &Calls) -> Result<(), Problem> {
        calls.count();
        Err(Problem::not_found("no such article"))
    }
    #[retry(3)]
    async fn call(calls: &Calls, kind: CallErrorKind) -> Result<(), CallError> {
        calls.count();
        Err(CallError::new(kind, "test").with_attempts(1))
    }
    let calls = Calls::default();
    stock(&calls).await.unwrap_err();
    assert_eq!(calls.sum(), 1);
    let tries = async |kind| {
        let calls = Calls::default();
        call(&calls, kind).await.unwrap_err();
        calls.sum()
    };
    assert_eq!(tries(CallErrorKind::Invalid).await, 1);
    assert_eq!(tries(CallErrorKind::CircuitOpen).await, 1);
    assert_eq!(tries(CallErrorKind::Reset).await, 4);
}

#[tokio::test(start_paused = true)]
async fn retry_when_asks_a_function_of_the_error_or_of_the_result() {
    fn busy(error: &Boxed) -> bool {
        error.to_string() == "busy"
    }
    fn empty(result: &Result<Vec<u32>, Boxed>) -> bool {
        result.as_ref().is_ok_and(Vec::is_empty)
    }
    #[retry(max = 3, when = busy)]
    async fn by_error(calls: &Calls, says: &str) -> Result<(), Boxed> {
        calls.count();
        Err(says.into())
    }
    #[retry(max = 3, when = empty)]
    async fn by_result(calls: &Calls) -> Result<Vec<u32>, Boxed> {
        calls.count();
        Ok(Vec::new())
    }
    #[retry(max = 3, when = |error: &Boxed| error.to_string() == "busy")]
    async fn by_closure(calls: &Calls, says: &str) -> Result<(), Boxed> {
        calls.count();
        Err(says.into())
    }
    let calls = Calls::default();
    by_error(&calls, "broken").await.unwrap_err();
    assert_eq!(calls.sum(), 1);
    by_error(&calls, "busy").await.unwrap_err();
    assert_eq!(calls.sum(), 5);
    by_result(&calls).await.unwrap();
    assert_eq!(calls.sum(), 9);
    by_closure(&calls, "busy").await.unwrap_err();
    assert_eq!(calls.sum(), 13);
}

#[tokio::test(start_paused = true)]
async fn transient_looks_for_what_an_error_wraps() {
    #[derive(Debug, thiserror::Error)]
    enum Error {
        #[error("the call failed")]
        Call(#[from] CallError),
        #[error(transparent)]
        Refused(#[from] Refused),
    }
    #[retry(max = 3, when = msa_core::attribute::Transient)]
    async fn call(calls: &Calls, status: u16) -> Result<(), Error> {
        calls.count();
        let error = CallError::new(CallErrorKind::Status, "test");
        Err(error.with_response_status(status.try_into().unwrap()))?
    }
    let tries = async |status| {
        let calls = Calls::default();
        assert!(matches!(call(&calls, status).await, Err(Error::Call(_))));
        calls.sum()
    };
    assert_eq!((tries(404).await, tries(500).await), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn timeout_ends_the_call_and_says_so_in_the_functions_own_error() {
    #[timeout("250ms")]
    async fn problem() -> Result<(), Problem> {
        pending().await
    }
    #[timeout("250ms")]
    async fn call() -> Result<(), CallError> {
        pending().await
    }
    #[timeout(attempt = "100ms")]
    #[retry(max = 1)]
    async fn boxed() -> Result<(), Boxed> {
        pending().await
    }
    let began = clock::now();
    assert_eq!(problem().await.unwrap_err().status(), 504);
    assert_eq!(clock::since(began), 250 * MS);
    let error = call().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    let error = boxed().await.unwrap_err();
    let refused = error.downcast_ref::<Refused>().unwrap();
    assert_eq!(refused.kind(), PolicyErrorKind::AttemptTimeout);
    assert_eq!(refused.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn circuit_breaker_opens_by_failures_of_the_callee_only() {
    #[circuit_breaker(consecutive = 2, open = "1s", trials = 1)]
    async fn stock(status: u16) -> Result<u16, Problem> {
        match http::StatusCode::from_u16(status).unwrap() {
            http::StatusCode::OK => Ok(status),
            status => Err(status.into()),
        }
    }
    for _ in 0..5 {
        assert_eq!(stock(404).await.unwrap_err().status(), 404);
    }
    for _ in 0..2 {
        assert_eq!(stock(502).await.unwrap_err().status(), 502);
    }
    let open = stock(200).await.unwrap_err();
    assert_eq!(open.to_json()["kind"], "circuit_open");
    tokio::time::advance(2000 * MS).await;
    assert_eq!(stock(200).await.unwrap(), 200);
    assert_eq!(stock(200).await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn circuit_breaker_failure_asks_a_function() {
    fn is_outage(result: &Result<u32, Boxed>) -> bool {
        matches!(result, Ok(0))
    }
    #[circuit_breaker(consecutive = 2, failure = is_outage)]
    async fn stock(answer: Result<u32, Boxed>) -> Result<u32, Boxed> {
        answer
    }
    for _ in 0..3 {
        stock(Err("no outage".into())).await.unwrap_err();
    }
    stock(Ok(0)).await.unwrap();
    stock(Ok(0)).await.unwrap();
    assert!(stock(Ok(7)).await.unwrap_err().is::<Refused>());
}

#[tokio::test(start_paused = true)]
async fn bulkhead_refuses_what_is_too_much_and_a_dropped_call_gives_its_place_back() {
    #[bulkhead(1)]
    async fn stock(time: Duration) -> Result<(), Problem> {
        tokio::time::sleep(time).await;
        Ok(())
    }
    let (one, two) = tokio::join!(stock(10 * MS), stock(MS));
    assert!(one.is_ok());
    assert_eq!(two.unwrap_err().to_json()["kind"], "bulkhead_full");
    let dropped = tokio::time::timeout(5 * MS, stock(10 * MS)).await;
    assert!(dropped.is_err());
    stock(MS).await.unwrap();
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn rate_limit_lets_so_many_a_time_begin() {
    #[msa_core::rate_limit("2/s", burst = 2)]
    async fn stock() -> Result<(), Problem> {
        Ok(())
    }
    stock().await.unwrap();
    stock().await.unwrap();
    let limited = stock().await.unwrap_err();
    assert_eq!(limited.to_json()["kind"], "rate_limited");
    tokio::time::advance(500 * MS).await;
    stock().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fallback_with_a_value_or_a_function_of_any_form() {
    const BROKEN: &str = "broken";
    async fn later(sku: u64, _region: &str) -> Result<u64, Boxed> {
        tokio::time::sleep(MS).await;
        Ok(sku * 2)
    }
    fn told(sku: u64, region: &str, error: Boxed) -> Result<u64, Boxed> {
        Err(format!("{sku} in {region}: {error}").into())
    }
    #[fallback(value = 7)]
    async fn by_value() -> Result<u64, Boxed> {
        Err(BROKEN.into())
    }
    #[fallback(with = later)]
    async fn by_later(_sku: u64, _region: &str) -> Result<u64, Boxed> {
        Err(BROKEN.into())
    }
    #[fallback(with = told)]
    async fn by_told(_sku: u64, _region: &str) -> Result<u64, Boxed> {
        Err(BROKEN.into())
    }
    assert_eq!(by_value().await.unwrap(), 7);
    assert_eq!(by_later(3, "eu").await.unwrap(), 6);
    let error = by_told(3, "eu").await.unwrap_err();
    assert_eq!(error.to_string(), "3 in eu: broken");
}

#[tokio::test(start_paused = true)]
async fn fallback_stale_stands_in_with_the_last_good_answer_for_the_same_arguments() {
    #[fallback(stale = "5m")]
    async fn stock(sku: &str, answer: u64) -> Result<u64, Problem> {
        match answer {
            0 => Err(unavailable()),
            answer => Ok(answer + sku.len() as u64),
        }
    }
    #[fallback(stale = "5m", key = sku, value = 0)]
    async fn by_sku(sku: &str, answer: u64) -> Result<u64, Problem> {
        stock(sku, answer).await
    }
    stock("a", 5).await.unwrap();
    stock("a", 0).await.unwrap_err();
    assert_eq!(by_sku("a", 0).await.unwrap(), 0);
    assert_eq!(by_sku("a", 6).await.unwrap(), 7);
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(by_sku("a", 0).await.unwrap(), 7);
    assert_eq!(by_sku("b", 0).await.unwrap(), 0);
    tokio::time::advance(MS).await;
    assert_eq!(by_sku("a", 0).await.unwrap(), 0, "too old by then");
}

#[tokio::test(start_paused = true)]
async fn hedge_starts_another_beside_one_that_takes_long() {
    #[hedge("50ms")]
    async fn stock(calls: &Calls) -> Result<u32, Problem> {
        let call = calls.count();
        if call == 1 {
            pending::<()>().await;
        }
        Ok(call)
    }
    let began = clock::now();
    assert_eq!(stock(&Calls::default()).await.unwrap(), 2);
    assert_eq!(clock::since(began), 50 * MS);
}

#[tokio::test(start_paused = true)]
async fn cached_gives_the_answer_again_and_lets_only_one_ask() {
    #[cached(ttl = "30s")]
    async fn stock(sku: &str, calls: CallsOf) -> Result<u32, Problem> {
        tokio::time::sleep(10 * MS).await;
        calls.0.count();
        Ok(calls.0.sum() * 10 + u32::from(sku == "other"))
    }
    /// The calls of one test, all of which are the same to a key.
    #[derive(Debug, Clone)]
    struct CallsOf(std::sync::Arc<Calls>);
    impl PartialEq for CallsOf {
        fn eq(&self, _: &Self) -> bool {
            true
        }
    }
    impl Eq for CallsOf {}
    impl std::hash::Hash for CallsOf {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    let calls = CallsOf(std::sync::Arc::default());
    let ask = |sku| stock(sku, calls.clone());
    let (one, two) = tokio::join!(ask("a"), ask("a"));
    assert_eq!((one.unwrap(), two.unwrap()), (10, 10));
    assert_eq!(ask("other").await.unwrap(), 21);
    tokio::time::advance(29_000 * MS).await;
    assert_eq!(ask("a").await.unwrap(), 10);
    tokio::time::advance(1_000 * MS).await;
    assert_eq!(ask("a").await.unwrap(), 30);
}
