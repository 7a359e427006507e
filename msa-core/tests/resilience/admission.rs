//! What may stand against a call's beginning: bulkhead, concurrency limit, rate limit, throttle.

use msa_core::client::{CallError, CallErrorKind, CallOptions};
use msa_core::clock;
use msa_core::testing::Step;

use crate::support::{URL, client, get, ms, outcome, since, stock};

const QUEUE: &str = "bulkhead.max_concurrent = 1\nbulkhead.max_queue = 1\nretry.max_retries = 0\n";

fn good() -> Step {
    Step::status(200).body("here")
}

fn hurried(total: u64) -> CallOptions {
    CallOptions::new().timeout(ms(total))
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_lets_one_in_when_a_body_is_over_and_refuses_who_finds_no_place_in_its_queue() {
    let (network, stock) = stock(1, [good()]);
    let (client, told) = client(&network, QUEUE);
    let held = get(&client).await.unwrap();
    let start = clock::now();
    let waits = async {
        let response = get(&client).await.unwrap();
        (since(start), response.status().as_u16())
    };
    let others = async {
        tokio::time::sleep(ms(10)).await;
        let error = get(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::BulkheadFull, 0)
        );
        assert_eq!(since(start), 10, "at once");
        tokio::time::sleep(ms(10)).await;
        held.text().await.unwrap();
    };
    assert_eq!(tokio::join!(waits, others).0, (20, 200));
    assert_eq!(stock.attempts(), 2);
    assert_eq!(told.take_only("refused"), ["refused bulkhead false"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_in_a_queue_than_it_allows() {
    let (network, stock) = stock(1, [good()]);
    let (client, told) = client(&network, &format!("{QUEUE}bulkhead.max_wait = \"300ms\""));
    let _held = get(&client).await.unwrap();
    let start = clock::now();
    assert_eq!(outcome(&client).await, Err(CallErrorKind::BulkheadFull));
    assert_eq!((since(start), stock.attempts()), (300, 1));
    assert_eq!(told.take_only("refused"), ["refused bulkhead false"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_in_a_queue_past_the_own_deadline() {
    let limit = "limit.mode = \"on\"\nlimit.algorithm = \"fixed\"\nlimit.initial = 1\nlimit.queue.max_wait = \"1s\"\n";
    for toml in [
        format!("{QUEUE}bulkhead.max_wait = \"1s\""),
        limit.to_owned(),
    ] {
        let (network, stock) = stock(1, [good()]);
        let (client, _) = client(&network, &toml);
        let held = get(&client).await.unwrap();
        let start = clock::now();
        let call = client.get(URL).with_extension(hurried(50)).send().await;
        let error = CallError::from(call.unwrap_err());
        assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded, "{toml}");
        assert_eq!(
            (since(start), error.attempts(), stock.attempts()),
            (50, 0, 1)
        );
        // It has left the queue: the place goes to who comes next.
        drop(held);
        assert_eq!(outcome(&client).await, Ok((200, "here".to_owned())));
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_place_is_not_the_endpoints_time() {
    let limit = "limit.mode = \"on\"\nlimit.algorithm = \"fixed\"\nlimit.initial = 1\nlimit.queue.max_wait = \"1s\"\n";
    let attempt = "attempt_timeout = \"100ms\"\n";
    for toml in [QUEUE, limit] {
        let (network, _) = stock(1, [good(), good().after(ms(60))]);
        let (client, told) = client(&network, &format!("{attempt}{toml}"));
        let held = get(&client).await.unwrap();
        let frees = async {
            tokio::time::sleep(ms(90)).await;
            drop(held);
        };
        let (answer, ()) = tokio::join!(outcome(&client), frees);
        assert_eq!(answer, Ok((200, "here".to_owned())), "{toml}");
        assert_eq!(told.take_only("attempt")[1], "attempt 1 200 60");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dark_bulkhead_tells_and_lets_everybody_in_at_once() {
    let (network, _) = stock(1, [good()]);
    let (client, told) = client(&network, &format!("{QUEUE}bulkhead.dark = true"));
    let _held = get(&client).await.unwrap();
    let start = clock::now();
    assert!(outcome(&client).await.is_ok());
    assert_eq!(since(start), 0);
    assert_eq!(told.take_only("refused"), ["refused bulkhead true"]);
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn a_rate_limit_refuses_what_it_may_not_let_wait() {
    let (network, stock) = stock(1, [good()]);
    let (client, told) = client(&network, "rate_limit.rate = \"2/s\"");
    for _ in 0..2 {
        outcome(&client).await.unwrap();
    }
    let error = get(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (CallErrorKind::RateLimited, 0)
    );
    assert_eq!(error.retry_after(), Some(ms(500)));
    assert_eq!(told.take_only("refused"), ["refused rate_limit false"]);
    tokio::time::advance(ms(500)).await;
    outcome(&client).await.unwrap();
    assert_eq!(stock.attempts(), 3);
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_after_the_deadline_is_refused_at_once_and_left_to_others() {
    let (network, _) = stock(1, [good().after(ms(10))]);
    let toml = "rate_limit.rate = \"1/s\"\nrate_limit.max_wait = \"5s\"";
    let (client, told) = client(&network, toml);
    outcome(&client).await.unwrap();
    let start = clock::now();
    let call = client.get(URL).with_extension(hurried(300)).send().await;
    let error = CallError::from(call.unwrap_err());
    assert_eq!(
        (error.kind(), since(start)),
        (CallErrorKind::RateLimited, 0)
    );
    // The next turn is still there, and the wait for it is not the endpoint's time.
    told.take();
    outcome(&client).await.unwrap();
    assert_eq!(since(start), 1_000);
    assert_eq!(told.take_only("attempt"), ["attempt 1 200 10"]);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_falls_when_the_destination_sheds_and_rises_when_it_answers() {
    // Aimd: a tenth less for a window with a loss, one more for a full one without.
    let limit = "limit.mode = \"on\"\nlimit.algorithm = \"aimd\"\nlimit.initial = 10\nlimit.min = 2\nlimit.queue.length = 0\nretry.max_retries = 0\noutlier.enabled = false\nbreaker.enabled = false";
    let sheds = (0..400).map(|_| Step::status(503).after(ms(20)));
    let (network, stock) = stock(1, sheds.chain([good().after(ms(20))]));
    let (client, told) = client(&network, limit);
    let burst = async || {
        let calls = (0..12).map(|_| outcome(&client));
        let answers = futures_util::future::join_all(calls).await;
        let refused =
            |answer: &&Result<_, CallErrorKind>| **answer == Err(CallErrorKind::BulkheadFull);
        answers.iter().filter(refused).count()
    };
    assert_eq!(burst().await, 2, "ten are let in");
    while stock.attempts() < 400 {
        burst().await;
    }
    let fell = told.take_only("limit");
    assert_eq!(fell.last().unwrap(), "limit 2", "{fell:?}");
    for _ in 0..100 {
        burst().await;
    }
    let rose = told.take_only("limit");
    assert_eq!(rose.first().unwrap(), "limit 3", "{rose:?}");
    assert_eq!(burst().await, 0, "there is room for all: {rose:?}");
}

#[tokio::test(start_paused = true)]
async fn a_throttle_turns_calls_away_when_the_destination_does_and_recovers_with_it() {
    let rejects = (0..40).map(|_| Step::status(429));
    let (network, stock) = stock(1, rejects.chain([good()]));
    let toml = "throttle.enabled = true\nthrottle.window = \"10s\"\nretry.max_retries = 0";
    let (client, told) = client(&network, toml);
    let hundred = async || {
        let mut turned_away = 0;
        for _ in 0..100 {
            turned_away += u32::from(outcome(&client).await == Err(CallErrorKind::Throttled));
        }
        turned_away
    };
    // Ten at first, then ever fewer, as far as 1 in 20.
    let turned_away = hundred().await;
    assert!((60..90).contains(&turned_away), "{turned_away}");
    assert_eq!(stock.attempts(), 100 - turned_away as usize);
    assert_eq!(
        told.take_only("refused throttle false").len(),
        turned_away as usize
    );
    let error = loop {
        if let Err(error) = get(&client).await {
            break error;
        }
    };
    assert_eq!(
        (error.kind(), error.attempts()),
        (CallErrorKind::Throttled, 0)
    );
    assert_eq!(error.status().as_u16(), 503);

    // What was turned away is forgotten with the window, and what is accepted since opens the way.
    let mut rounds = Vec::new();
    for _ in 0..4 {
        tokio::time::advance(ms(11_000)).await;
        rounds.push(hundred().await);
    }
    assert_eq!(rounds.last(), Some(&0), "{rounds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_only_times_out_lowers_the_limit_and_rouses_the_throttle() {
    let alone = "attempt_timeout = \"50ms\"\nretry.max_retries = 0\noutlier.enabled = false\nbreaker.enabled = false\n";
    let limit =
        "limit.mode = \"on\"\nlimit.algorithm = \"aimd\"\nlimit.initial = 10\nlimit.min = 2";
    let (network, _) = stock(1, [good().after(ms(60_000))]);
    let (client, told) = client(&network, &format!("{alone}{limit}"));
    for _ in 0..200 {
        assert_eq!(outcome(&client).await, Err(CallErrorKind::AttemptTimeout));
    }
    assert_eq!(told.take_only("limit").last().unwrap(), "limit 2");

    let (client, _) = self::client(&network, &format!("{alone}throttle.enabled = true"));
    let mut throttled = 0;
    for _ in 0..100 {
        throttled += u32::from(outcome(&client).await == Err(CallErrorKind::Throttled));
    }
    assert!((50..95).contains(&throttled), "{throttled}");
}
