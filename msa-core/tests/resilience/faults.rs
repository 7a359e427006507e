//! Faults on purpose, in the client.

use msa_core::client::CallErrorKind;
use msa_core::clock;
use msa_core::testing::Step;

use crate::support::{URL, client, get, outcome, settings, since, stock};

const ONCE: &str = "retry.max_retries = 0\n";

#[tokio::test(start_paused = true)]
async fn a_delay_comes_before_the_call_and_within_its_timeout() {
    let (network, stock) = stock(1, [Step::status(200)]);
    let delay = "fault.delay = \"200ms\"\nfault.delay_percentage = \"100%\"\n";
    let (slow, told) = client(&network, &format!("{ONCE}{delay}"));
    let start = clock::now();
    outcome(&slow).await.unwrap();
    assert_eq!(since(start), 200);
    assert_eq!(
        told.take(),
        ["fault stock delay", "attempt 1 200 200", "call 1 200"]
    );
    let (cut, _) = client(
        &network,
        &format!("{ONCE}{delay}attempt_timeout = \"50ms\""),
    );
    assert_eq!(outcome(&cut).await, Err(CallErrorKind::AttemptTimeout));
    assert_eq!(stock.attempts(), 1, "it was not sent");
}

#[tokio::test(start_paused = true)]
async fn an_abort_answers_in_the_destinations_place_and_is_retried_like_its_own() {
    let (network, stock) = stock(1, [Step::status(200)]);
    let abort = "fault.abort = 503\nfault.abort_percentage = \"100%\"\n";
    let (client, told) = client(&network, abort);
    let response = get(&client).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.url().as_str(), URL);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.text().await.unwrap().contains("on purpose"));
    assert_eq!(stock.attempts(), 0);
    assert_eq!(told.take_only("fault").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_a_fault_and_some_share_of_calls_meets_it() {
    let (network, stock) = stock(1, [Step::status(200)]);
    let reset =
        "fault.reset_percentage = \"30%\"\nbreaker.enabled = false\noutlier.enabled = false\n";
    let (client, _) = client(&network, &format!("{ONCE}{reset}"));
    let mut lost = 0;
    for _ in 0..400 {
        match outcome(&client).await {
            Ok((200, _)) => {}
            Err(CallErrorKind::Fault) => lost += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!((90..150).contains(&lost), "{lost} of 400");
    assert_eq!(stock.attempts(), 400 - lost);
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_its_destinations_alone() {
    let (network, _) = stock(1, [Step::status(200)]);
    let network = network.service(
        "prices",
        msa_core::testing::Script::new([Step::status(200)]),
    );
    let client = network
        .client_builder()
        .settings(settings(
            "[clients.prices]\nfault.abort_percentage = \"100%\"",
        ))
        .build()
        .unwrap();
    assert_eq!(get(&client).await.unwrap().status(), 200);
    let prices = client.get("http://prices/").send().await.unwrap();
    assert_eq!(prices.status(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_path_and_a_header_narrow_it_down() {
    let (network, _) = stock(1, [Step::status(200)]);
    let toml = "fault.paths = [\"/items/*\"]\nfault.header = \"x-chaos: yes\"\nfault.abort = 500\nfault.abort_percentage = \"100%\"";
    let (client, _) = client(&network, toml);
    let ask = async |path: &str, chaos: &str| {
        let request = client.get(format!("http://stock{path}"));
        let answer = request.header("x-chaos", chaos).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask("/items/7", "yes").await, 500);
    assert_eq!(ask("/items/7", "no").await, 200);
    assert_eq!(ask("/carts/7", "yes").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_for_faults_in_vain_until_that_is_allowed() {
    let (network, _) = stock(1, [Step::status(200)]);
    let headers = [
        ("x-msa-fault-abort", "500"),
        ("x-envoy-fault-abort-request", "500"),
    ];
    let unused = "fault.delay = \"1ms\"\nfault.delay_percentage = \"1%\"\n";
    for (toml, status) in [
        ("", 200),
        (unused, 200),
        ("fault.allow_headers = true", 500),
    ] {
        let (client, _) = client(&network, toml);
        for (name, value) in headers {
            let answer = client.get(URL).header(name, value).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{toml} {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_comes_at_its_rate() {
    let (network, _) = stock(1, [Step::status(200).body(vec![b'x'; 3 * 1024])]);
    let toml = "fault.slow_body = \"1KiB\"\nfault.slow_body_percentage = \"100%\"";
    let (client, told) = client(&network, toml);
    let start = clock::now();
    let body = get(&client).await.unwrap().bytes().await.unwrap();
    assert_eq!(body.len(), 3 * 1024);
    let took = since(start);
    assert!((2_900..=3_200).contains(&took), "{took} ms");
    assert_eq!(told.take_only("fault"), ["fault stock slow_body"]);
}
