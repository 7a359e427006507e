//! Attempts beside each other, and answers that are kept.

use super::*;
use crate::resilience::cache::CacheRules;
use crate::resilience::hedge::Hedge;

/// An answer after these many milliseconds, another for each attempt; none for what has no time.
fn slowly(times: &'static [u64]) -> (Arc<AtomicU32>, impl FnMut() -> SlowAnswer) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let work = move || {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        let time = times.get(run as usize).copied();
        Box::pin(async move {
            match time {
                Some(0) => return Err(Broken),
                Some(time) => tokio::time::sleep(Duration::from_millis(time)).await,
                None => pending().await,
            }
            Ok(run + 1)
        }) as SlowAnswer
    };
    (runs, work)
}

type SlowAnswer = std::pin::Pin<Box<dyn Future<Output = Result<u32, Broken>> + Send>>;

#[tokio::test(start_paused = true)]
async fn each_attempt_is_hedged_and_a_refused_hedge_does_not_end_the_one_that_runs() {
    let hedge = || Hedge::after(50 * MS);
    let policy = Policy::builder("p").hedge(hedge()).build().unwrap();
    let began = clock::now();
    let (runs, work) = slowly(&[500, 10]);
    assert_eq!(policy.call(work).await.unwrap(), 2);
    assert_eq!(
        (clock::since(began), runs.load(Ordering::Relaxed)),
        (60 * MS, 2)
    );

    // The first attempt fails, and the second is hedged.
    let policy = Policy::builder("p").hedge(hedge()).retry(retry(1));
    let policy = policy.build().unwrap();
    let began = clock::now();
    let (_, work) = slowly(&[0, 500, 10]);
    assert_eq!(policy.call(work).await.unwrap(), 3);
    assert_eq!(clock::since(began), 70 * MS);

    // The breaker opens while the first one runs.
    let breaker = Arc::new(touchy());
    let policy = Policy::builder("p").hedge(hedge()).breaker(breaker.clone());
    let policy = policy.build().unwrap();
    let (runs, work) = slowly(&[200]);
    let open = async {
        tokio::time::sleep(20 * MS).await;
        breaker.force_open(clock::now());
    };
    let (answer, ()) = tokio::join!(policy.call(work), open);
    assert_eq!((answer.unwrap(), runs.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_or_called_once_is_neither_hedged_nor_repeated() {
    let policy = Policy::builder("p")
        .hedge(Hedge::after(5 * MS))
        .retry(retry(3));
    let policy = policy.build().unwrap();
    let (runs, work) = slowly(&[50]);
    let answer = policy.with().idempotent(false).call(work).await;
    assert_eq!((answer.unwrap(), runs.load(Ordering::Relaxed)), (1, 1));
    let owned = "taken along".to_owned();
    let once = policy.with().once(move || async move {
        drop(owned);
        tokio::time::sleep(50 * MS).await;
        Err::<u32, _>(Broken)
    });
    assert!(once.await.unwrap_err().earlier().is_empty());
    let policy = Policy::builder("p").retry(retry(3)).repeats(false).build();
    let policy = policy.unwrap();
    policy.update(&overrides("retry.max_retries = 5"));
    let (runs, work) = fails_until(9);
    policy.call(work).await.unwrap_err();
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kept_answer_takes_no_permit_and_a_failure_is_shared_but_not_kept() {
    let rules = CacheRules {
        ttl: 100 * MS,
        max_entries: 9,
    };
    let policy = Policy::builder("p").cached(rules).bulkhead(bulkhead(1));
    let policy = policy.build().unwrap();
    let runs = AtomicU32::new(0);
    let ask = |key: &'static str, good: bool| {
        let runs = &runs;
        policy.with().cached(key).call(move || {
            let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                tokio::time::sleep(10 * MS).await;
                if good { Ok(run) } else { Err(Broken) }
            }
        })
    };
    let (one, two) = tokio::join!(ask("a", false), ask("a", false));
    assert!(one.is_err() && two.is_err());
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    let (one, two) = tokio::join!(ask("a", true), ask("a", true));
    assert_eq!((one.unwrap(), two.unwrap()), (2, 2));
    let (kept, busy) = tokio::join!(ask("a", true), ask("b", true));
    assert_eq!((kept.unwrap(), busy.unwrap()), (2, 3));
    tokio::time::advance(100 * MS).await;
    assert_eq!(ask("a", true).await.unwrap(), 4);
    policy.update(&overrides("cached.enabled = false"));
    assert_eq!(ask("a", true).await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_kept_answer_takes_over_when_the_one_who_works_is_dropped() {
    let rules = CacheRules {
        ttl: 100 * MS,
        max_entries: 9,
    };
    let policy = Policy::builder("p").cached(rules).build().unwrap();
    let first = policy
        .with()
        .cached("a")
        .call(pending::<Result<u32, Broken>>);
    let first = tokio::time::timeout(10 * MS, first);
    let second = policy
        .with()
        .cached("a")
        .call(async || Ok::<u32, Broken>(7));
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err());
    assert_eq!(second.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_stands_in_before_the_fallback_and_is_no_younger_for_being_given_again() {
    let mut settings = PolicySettings::default();
    settings.fallback.get_or_insert_default().stale_for = span(100);
    settings.cached.get_or_insert_default().ttl = span(40);
    let policy = Policy::builder("p").settings(&settings).build().unwrap();
    let ask = async |good: bool| {
        let call = policy
            .with()
            .fallback(fallback::value(0))
            .stale("a")
            .cached("a");
        let answer = call.call(async || if good { Ok(7) } else { Err(Broken) });
        answer.await.unwrap()
    };
    assert_eq!(ask(false).await, 0);
    assert_eq!(ask(true).await, 7);
    tokio::time::advance(39 * MS).await;
    assert_eq!(ask(false).await, 7, "kept");
    tokio::time::advance(61 * MS).await;
    assert_eq!(ask(false).await, 7, "stale");
    tokio::time::advance(MS).await;
    assert_eq!(ask(false).await, 0);
    policy.update(&overrides("enabled = false"));
    let bare = policy.with().fallback(fallback::value(0));
    let error = bare.call(async || Err::<u32, _>(Broken)).await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::Failed);
}
