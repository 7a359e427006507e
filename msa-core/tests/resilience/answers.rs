//! Answers that serve more than one call: kept for when one fails, and shared by those in flight.

use std::time::Duration;

use http::header::AUTHORIZATION;
use msa_core::client::{CallError, CallErrorKind, CallOptions, ServiceClient};
use msa_core::clock;
use msa_core::testing::Step;
use msa_core::txn::{self, Txn};

use crate::support::{URL, client, get, ms, outcome, since, stock};

const STALE: &str = "fallback.stale_for = \"10s\"\nretry.max_retries = 0\n";
const SHARED: &str = "coalesce = true\nretry.max_retries = 0\n";

fn good(body: &'static str) -> Step {
    Step::status(200).body(body)
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_good_answer_stands_in_within_its_age_and_not_beyond() {
    let (network, _) = stock(1, [good("first"), good("last"), Step::status(500)]);
    let (client, told) = client(&network, STALE);
    outcome(&client).await.unwrap();
    outcome(&client).await.unwrap();
    pause(ms(9_500)).await;
    told.take();
    let answer = get(&client).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["age"], "9");
    assert_eq!(answer.url().as_str(), URL);
    assert_eq!(answer.text().await.unwrap(), "last");
    assert_eq!(
        told.take(),
        ["attempt 1 500 0", "call 1 500", "fell back stale 500"]
    );
    pause(ms(501)).await;
    assert_eq!(outcome(&client).await, Ok((500, String::new())));
}

#[tokio::test(start_paused = true)]
async fn it_stands_in_for_every_kind_of_failure_but_not_for_a_no() {
    let steps = [
        good("kept"),
        Step::reset(),
        Step::refuse(),
        Step::status(200).body("ha").then_reset(),
        Step::status(404),
        Step::hang(),
    ];
    let (network, _) = stock(1, steps);
    let (client, told) = client(&network, STALE);
    outcome(&client).await.unwrap();
    let mut reasons = Vec::new();
    for _ in 0..3 {
        assert_eq!(outcome(&client).await, Ok((200, "kept".to_owned())));
        reasons.extend(told.take_only("fell back"));
    }
    assert_eq!(outcome(&client).await, Ok((404, String::new())));
    assert_eq!(outcome(&client).await, Ok((200, "kept".to_owned())));
    reasons.extend(told.take_only("fell back"));
    let expected = ["reset", "connect", "body", "attempt_timeout"];
    assert_eq!(
        reasons,
        expected.map(|reason| format!("fell back stale {reason}"))
    );
}

#[tokio::test(start_paused = true)]
async fn it_stands_in_for_the_same_request_only() {
    let (network, _) = stock(1, [good("ada's"), Step::status(503)]);
    let (client, _) = client(&network, STALE);
    let ask = async |path: &str, who: &str| {
        let request = client.get(format!("http://stock{path}"));
        let answer = request.header(AUTHORIZATION, who).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask("/cart", "ada").await, 200);
    assert_eq!(ask("/cart", "ada").await, 200);
    assert_eq!(ask("/cart", "eve").await, 503);
    assert_eq!(ask("/cart?page=2", "ada").await, 503);
    assert_eq!(
        client
            .head("http://stock/cart")
            .send()
            .await
            .unwrap()
            .status(),
        503
    );
    let post = client
        .post("http://stock/cart")
        .header(AUTHORIZATION, "ada");
    assert_eq!(post.send().await.unwrap().status(), 503);
}

#[tokio::test(start_paused = true)]
async fn it_stands_in_for_a_call_that_was_refused_at_home() {
    let (network, stock) = stock(1, [good("kept"), good("held")]);
    let (client, _) = client(&network, &format!("{STALE}bulkhead.max_concurrent = 1"));
    outcome(&client).await.unwrap();
    let streamed = CallOptions::new().stream();
    let held = client
        .get(URL)
        .with_extension(streamed)
        .send()
        .await
        .unwrap();
    assert_eq!(outcome(&client).await, Ok((200, "kept".to_owned())));
    drop(held);
    assert_eq!(stock.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn identical_calls_in_flight_are_one_attempt() {
    let (network, stock) = stock(1, [good("shared").after(ms(50)), good("next")]);
    let (client, told) = client(&network, SHARED);
    let calls = (0..10).map(|_| outcome(&client));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer, Ok((200, "shared".to_owned())));
    }
    assert_eq!(stock.attempts(), 1);
    let told = told.take();
    let count = |begin: &str| told.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!(
        (count("coalesced"), count("attempt"), count("call")),
        (9, 1, 1)
    );
    // They are not kept: who comes later asks anew.
    assert_eq!(outcome(&client).await, Ok((200, "next".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn calls_that_differ_in_anything_are_not_shared() {
    let (network, stock) = stock(1, [good("own").after(ms(50))]);
    let (client, _) = client(&network, SHARED);
    let get = |path: &str| client.get(format!("http://stock{path}"));
    let calls = [
        get("/a"),
        get("/a").header(AUTHORIZATION, "ada"),
        get("/a").header(AUTHORIZATION, "eve"),
        get("/a").header("accept-language", "en"),
        get("/a?page=2"),
        get("/b"),
        get("/a").body("with a body"),
        get("/a").with_extension(CallOptions::new().stream()),
        client.head("http://stock/a"),
        client.post("http://stock/a"),
    ];
    let n = calls.len();
    let calls = calls.map(reqwest_middleware::RequestBuilder::send);
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(stock.attempts(), n);
}

fn spawned(
    client: &ServiceClient,
) -> tokio::task::JoinHandle<Result<(u16, String), CallErrorKind>> {
    let client = client.clone();
    tokio::spawn(async move { outcome(&client).await })
}

#[tokio::test(start_paused = true)]
async fn when_the_one_that_works_goes_away_another_makes_the_call() {
    let (network, stock) = stock(
        1,
        [good("first").after(ms(50)), good("second").after(ms(50))],
    );
    let (client, told) = client(&network, SHARED);
    let leader = spawned(&client);
    stock.wait_for(1).await;
    let others = [spawned(&client), spawned(&client), spawned(&client)];
    pause(ms(30)).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    for other in others {
        assert_eq!(other.await.unwrap(), Ok((200, "second".to_owned())));
    }
    assert_eq!(stock.attempts(), 2);
    assert_eq!(
        told.take(),
        [
            "attempt 1 cancelled 30",
            "call 1 cancelled",
            // What it waited for the first is no part of its own attempt.
            "attempt 1 200 50",
            "call 1 200",
            "coalesced",
            "coalesced"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_joins_waits_no_longer_than_its_own_deadline() {
    let (network, stock) = stock(1, [good("late").after(ms(2_000))]);
    let (client, _) = client(&network, SHARED);
    let leader = spawned(&client);
    stock.wait_for(1).await;
    let start = clock::now();
    let hurried = client
        .get(URL)
        .with_extension(CallOptions::new().timeout(ms(100)));
    let txn = Txn::begin();
    let error = txn::scope(txn.clone(), hurried.send()).await.unwrap_err();
    let error = CallError::from(error);
    assert_eq!(
        (error.kind(), since(start)),
        (CallErrorKind::DeadlineExceeded, 100)
    );
    assert_eq!(
        (error.gtxid(), error.service()),
        (Some(txn.gtxid()), Some("stock"))
    );
    assert_eq!(leader.await.unwrap(), Ok((200, "late".to_owned())));
    assert_eq!(stock.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_works_tells_all_that_it_knows_of_its_own_deadline() {
    let (network, _) = stock(1, [Step::hang()]);
    let (client, _) = client(&network, &format!("{SHARED}timeout = \"100ms\""));
    let error = get(&client).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    assert_eq!((error.attempts(), error.endpoint().is_some()), (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_too_and_names_the_transaction_of_who_reads_it() {
    let (network, stock) = stock(1, [Step::reset().after(ms(50))]);
    let (client, _) = client(&network, SHARED);
    let calls = (0..3).map(|_| {
        let txn = Txn::begin();
        let gtxid = *txn.gtxid();
        let call = txn::scope(txn, get(&client));
        async move { (call.await.unwrap_err(), gtxid) }
    });
    for (error, gtxid) in futures_util::future::join_all(calls).await {
        assert_eq!(error.kind(), CallErrorKind::Reset);
        assert_eq!(error.gtxid(), Some(&gtxid));
    }
    assert_eq!(stock.attempts(), 1);
}
