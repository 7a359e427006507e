//! The breakers of endpoints, through real calls.

use msa_core::client::CallErrorKind;
use msa_core::testing::{Network, Script, Step};

use crate::support::{client, get, ms, outcome, stock};

/// Only the breakers judge, and their times are exact.
const ALONE: &str = "outlier.enabled = false\nretry.max_retries = 0\nbreaker.jitter = \"0%\"\n";

fn good() -> Step {
    Step::status(200)
}

async fn pass(milliseconds: u64) {
    tokio::time::advance(ms(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn it_opens_at_half_failures_of_twenty_and_closes_when_all_trials_succeed() {
    let halves = (0..20).map(|n| Step::status(if n % 2 == 0 { 200 } else { 500 }));
    let (network, stock) = stock(1, halves.chain([good()]));
    let (client, told) = client(&network, ALONE);
    for _ in 0..20 {
        assert_eq!(told.take_only("breaker"), [""; 0]);
        outcome(&client).await.unwrap();
    }
    assert_eq!(told.take_only("breaker"), ["breaker closed open"]);
    let error = get(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (CallErrorKind::CircuitOpen, 0)
    );
    assert_eq!(error.retry_after(), Some(ms(5_000)));
    assert_eq!(
        told.take(),
        ["refused circuit_breaker false", "call 0 circuit_open"]
    );
    assert_eq!(stock.attempts(), 20);

    pass(5_000).await;
    for _ in 0..2 {
        outcome(&client).await.unwrap();
    }
    assert_eq!(told.take_only("breaker"), ["breaker open half_open"]);
    outcome(&client).await.unwrap();
    assert_eq!(told.take_only("breaker"), ["breaker half_open closed"]);
}

#[tokio::test(start_paused = true)]
async fn half_open_no_more_than_the_trials_run_and_one_failure_opens_it_for_twice_as_long() {
    let fails = (0..20).map(|_| Step::status(500));
    let slow = [good().after(ms(100)), good().after(ms(100))];
    let steps = fails
        .chain(slow)
        .chain([Step::status(500).after(ms(200)), good()]);
    let (network, stock) = stock(1, steps);
    let (client, told) = client(&network, ALONE);
    for _ in 0..20 {
        outcome(&client).await.unwrap();
    }
    pass(5_000).await;
    told.take();
    let calls = (0..50).map(|_| outcome(&client));
    let answers = futures_util::future::join_all(calls).await;
    let refused = |answer: &&Result<_, CallErrorKind>| **answer == Err(CallErrorKind::CircuitOpen);
    assert_eq!(answers.iter().filter(refused).count(), 47);
    assert_eq!(stock.attempts(), 23);
    let told = told.take_only("breaker");
    assert_eq!(told, ["breaker open half_open", "breaker half_open open"]);
    pass(9_999).await;
    assert_eq!(outcome(&client).await, Err(CallErrorKind::CircuitOpen));
    pass(1).await;
    assert!(outcome(&client).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_its_caller_gives_up_is_given_back() {
    let fails = (0..20).map(|_| Step::status(500));
    let hangs = (0..30).map(|_| Step::hang());
    let (network, _) = stock(1, fails.chain(hangs).chain([good()]));
    let (client, told) = client(&network, ALONE);
    for _ in 0..20 {
        outcome(&client).await.unwrap();
    }
    pass(5_000).await;
    for _ in 0..30 {
        let given_up = tokio::time::timeout(ms(10), outcome(&client)).await;
        assert!(given_up.is_err(), "it was tried, not refused");
    }
    told.take();
    for _ in 0..3 {
        outcome(&client).await.unwrap();
    }
    assert_eq!(told.take_only("breaker"), ["breaker half_open closed"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_open_is_passed_over_and_the_refusal_of_all_is_told_once_a_call() {
    let down = Script::new([Step::status(500)]);
    let network = Network::new();
    for _ in 0..3 {
        network.instance("stock", down.clone());
    }
    let up = Script::new([good()]);
    let fourth = network.instance("stock", up.clone());
    // Panic is a matter of its own: below.
    let toml =
        format!("{ALONE}breaker.consecutive_failures = 1\noutlier.panic_threshold = \"0%\"\n");
    let (client, told) = client(&network, &toml);
    while down.attempts() < 3 {
        outcome(&client).await.unwrap();
    }
    told.take();
    for _ in 0..20 {
        assert_eq!(outcome(&client).await, Ok((200, String::new())));
    }
    assert_eq!(told.take_only("refused"), [""; 0]);
    fourth.kill();
    outcome(&client).await.unwrap_err();
    told.take();
    for _ in 0..2 {
        assert_eq!(outcome(&client).await, Err(CallErrorKind::CircuitOpen));
        assert_eq!(
            told.take(),
            ["refused circuit_breaker false", "call 0 circuit_open"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_gets_no_permit_is_no_refusal_of_the_call() {
    // The first attempt is the only trial that may run.
    let (network, stock) = stock(1, [Step::status(500), good().after(ms(50))]);
    let hedge = "hedge.enabled = true\nhedge.delay = \"20ms\"\nhedge.budget.kind = \"none\"\n";
    let touchy = "breaker.consecutive_failures = 1\nbreaker.trials_at_once = 1\n";
    let toml = format!("{ALONE}{hedge}{touchy}outlier.panic_threshold = \"0%\"");
    let (client, told) = client(&network, &toml);
    outcome(&client).await.unwrap();
    pass(5_000).await;
    told.take();
    outcome(&client).await.unwrap();
    assert_eq!(
        told.take(),
        ["breaker open half_open", "attempt 1 200 50", "call 1 200"]
    );
    assert_eq!(stock.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dark_breaker_refuses_nobody_and_tells_once_a_call() {
    let (network, stock) = stock(1, [Step::status(503)]);
    let toml = "outlier.enabled = false\nbreaker.dark = true\nbreaker.consecutive_failures = 1\nretry.backoff.kind = \"fixed\"";
    let (client, told) = client(&network, toml);
    outcome(&client).await.unwrap();
    told.take();
    outcome(&client).await.unwrap();
    assert_eq!(stock.attempts(), 6);
    let told = told.take_only("refused");
    assert_eq!(told, ["refused circuit_breaker true"], "of three attempts");
}

#[tokio::test(start_paused = true)]
async fn below_half_healthy_all_are_used_and_breakers_only_report() {
    // Four instances, of which three fail; the fourth alone could not bear it.
    let network = Network::new();
    let down = Script::new([Step::status(500)]);
    for _ in 0..3 {
        network.instance("stock", down.clone());
    }
    let up = Script::new([good()]);
    network.instance("stock", up.clone());
    let toml =
        "retry.max_retries = 0\nbreaker.consecutive_failures = 1\noutlier.gateway_failures = 0";
    let (client, told) = client(&network, toml);
    while down.attempts() < 3 {
        outcome(&client).await.unwrap();
    }
    assert_eq!(told.take_only("panic"), ["panic true"]);
    let before = (down.attempts(), up.attempts());
    for _ in 0..40 {
        outcome(&client).await.unwrap();
    }
    let down = down.attempts() - before.0;
    let up = up.attempts() - before.1;
    assert!(down > 10 && up > 3, "{down} and {up} of 40");
    let refused = told.take_only("refused");
    assert!(refused.len() >= 10, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|line| line == "refused circuit_breaker true")
    );
}
