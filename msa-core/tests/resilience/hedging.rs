//! One more attempt beside one that takes long.

use std::sync::{Arc, Mutex};

use msa_core::balance::{self, Fleet, Measures};
use msa_core::client::CallOptions;
use msa_core::clock;
use msa_core::config::BalanceSettings;
use msa_core::testing::Step;
use msa_core::txn::{self, Txn};

use crate::support::{URL, client, get, ms, outcome, settings, since, stock};

const HEDGE: &str = "hedge.enabled = true\nhedge.delay = \"20ms\"\n";

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_other_attempt_is_cancelled() {
    let (network, stock) = stock(
        2,
        [Step::hang(), Step::status(200).body("won").after(ms(10))],
    );
    let (client, told) = client(&network, HEDGE);
    let start = clock::now();
    assert_eq!(outcome(&client).await, Ok((200, "won".to_owned())));
    assert_eq!((since(start), stock.attempts()), (30, 2));
    assert_eq!(
        told.take(),
        [
            "hedged 2 20",
            "attempt 2 200 10",
            "attempt 1 cancelled 30",
            "call 2 200"
        ]
    );
    let branch = |n: usize| stock.requests()[n].headers["x-txn-branch"].clone();
    assert_eq!(branch(0), branch(1), "it is one call");
    assert_eq!(stock.requests()[1].headers["x-txn-attempt"], "2");
}

#[tokio::test(start_paused = true)]
async fn what_the_loser_held_is_given_back_when_the_winner_answers() {
    let (network, _) = stock(2, [Step::hang(), Step::status(200).body("won")]);
    let fleets = Arc::new(Mutex::new(Vec::new()));
    let shared = fleets.clone();
    let client = network
        .client_builder()
        .settings(settings(&format!("[clients.stock]\n{HEDGE}")))
        .balancer(move |_, name| {
            let fleet = Arc::new(Fleet::new(Measures::default()));
            shared.lock().unwrap().push(fleet.clone());
            balance::build_on(fleet, name, &BalanceSettings::default(), 1, clock::now())
        })
        .build()
        .unwrap();
    let in_flight = || {
        let members = fleets.lock().unwrap()[0].members();
        let each = members.all().iter().map(|slot| slot.in_flight());
        each.sum::<u32>()
    };
    let response = get(&client).await.unwrap();
    assert_eq!(in_flight(), 1, "the winner's body");
    drop(response);
    assert_eq!(in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_who_failed_while_the_other_still_may_answer() {
    let steps = [
        Step::status(503).after(ms(30)),
        Step::status(200).body("won").after(ms(30)),
    ];
    let (network, stock) = stock(2, steps);
    let (client, told) = client(&network, HEDGE);
    assert_eq!(outcome(&client).await, Ok((200, "won".to_owned())));
    assert_eq!(stock.attempts(), 2);
    assert_eq!(
        told.take_only("retried"),
        [""; 0],
        "the second was under way"
    );
}

#[tokio::test(start_paused = true)]
async fn those_that_failed_in_a_race_are_listed_and_avoided_by_the_retry() {
    let steps = [
        Step::status(503).after(ms(30)),
        Step::status(502).after(ms(30)),
        Step::reset(),
    ];
    let (network, stock) = stock(3, steps);
    let toml = format!("{HEDGE}retry.max_retries = 1\nretry.backoff.kind = \"fixed\"");
    let (client, _) = client(&network, &toml);
    let error = get(&client).await.unwrap_err();
    let tries: Vec<_> = error.tries().iter().map(ToString::to_string).collect();
    let mut all: Vec<_> = (error.tries().iter())
        .map(|one| one.endpoint.authority().to_owned())
        .chain(error.endpoint().map(|last| last.authority().to_owned()))
        .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 3, "each was asked once: {tries:?}");
    assert!(
        tries[0].starts_with("503 ") && tries[1].starts_with("502 "),
        "{tries:?}"
    );
    assert_eq!((error.attempts(), stock.attempts()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_gets_no_more_than_the_budget_allows() {
    let (network, stock) = stock(2, [Step::status(200).after(ms(40))]);
    let budget = "hedge.budget.ratio = \"5%\"\nhedge.budget.min_per_second = 0";
    let (client, told) = client(&network, &format!("{HEDGE}{budget}"));
    for _ in 0..200 {
        outcome(&client).await.unwrap();
    }
    assert_eq!(stock.attempts(), 210);
    assert_eq!(told.take_only("hedged").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_processed_twice_is_hedged() {
    let (network, stock) = stock(2, [Step::status(200).after(ms(40))]);
    let (client, _) = client(&network, HEDGE);
    let mut before = 0;
    let mut attempts = async |request: reqwest_middleware::RequestBuilder| {
        // Unhedged in between, so that the budget is full again.
        tokio::time::advance(ms(10_000)).await;
        request.send().await.unwrap();
        let now = stock.attempts();
        now - std::mem::replace(&mut before, now)
    };
    assert_eq!(attempts(client.post(URL).body("x")).await, 1);
    assert_eq!(attempts(client.put(URL).body("x")).await, 2);
    let keyed = client.post(URL).header("idempotency-key", "7");
    assert_eq!(attempts(keyed.body("x")).await, 2);
    let marked = CallOptions::new().idempotent(true);
    assert_eq!(attempts(client.post(URL).with_extension(marked)).await, 2);
    let marked = CallOptions::new().idempotent(false);
    assert_eq!(attempts(client.get(URL).with_extension(marked)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_is_paid_for_by_the_transaction() {
    let (network, stock) = stock(2, [Step::status(200).after(ms(40))]);
    let (client, _) = client(&network, HEDGE);
    let txn = Txn::begin();
    let calls = async {
        for _ in 0..3 {
            outcome(&client).await.unwrap();
        }
    };
    txn::scope(txn.clone(), calls).await;
    assert_eq!((txn.retries_left(), stock.attempts()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_counts_once_for_its_endpoint() {
    let (network, _) = stock(2, [Step::status(503).after(ms(30))]);
    let rules = "outlier.gateway_failures = 2\nretry.max_retries = 0";
    let (client, told) = client(&network, &format!("{HEDGE}{rules}"));
    outcome(&client).await.unwrap();
    assert_eq!(told.take_only("ejected"), [""; 0], "one failure of each");
    outcome(&client).await.unwrap();
    let ejected = told.take_only("ejected");
    assert_eq!(ejected.len(), 2, "two failures of each: {ejected:?}");
    assert_ne!(ejected[0], ejected[1]);
}

#[tokio::test(start_paused = true)]
async fn losers_are_no_failures() {
    let slow_then_quick = (0..40).map(|n| match n % 2 {
        0 => Step::hang(),
        _ => Step::status(200).body("won"),
    });
    let (network, _) = stock(2, slow_then_quick);
    let rules = "hedge.budget.kind = \"none\"\nbreaker.consecutive_failures = 1\noutlier.local_failures = 1";
    let (client, told) = client(&network, &format!("{HEDGE}{rules}"));
    for _ in 0..20 {
        assert_eq!(outcome(&client).await, Ok((200, "won".to_owned())));
    }
    let told = told.take();
    let cancelled = told
        .iter()
        .filter(|line| line.contains("cancelled"))
        .count();
    assert_eq!(cancelled, 20);
    let bad = |line: &&String| line.starts_with("breaker") || line.starts_with("ejected");
    assert_eq!(told.iter().find(bad), None);
}
