//! What retries cost the transaction, and what is never tried again.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use bytes::Bytes;
use msa_core::client::{CallError, ServiceClient};
use msa_core::config::Settings;
use msa_core::server::MsaLayer;
use msa_core::testing::{Network, Script, Step};
use msa_core::txn::{self, Txn};
use reqwest::Body;

use crate::support::{URL, client, ms, outcome, stock};

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_that_its_destination_says_is_hopeless() {
    let hopeless = Step::status(503).header("x-txn-retry", "never");
    let (network, stock) = stock(2, [hopeless]);
    let (client, told) = client(&network, "");
    assert_eq!(outcome(&client).await, Ok((503, String::new())));
    assert_eq!(stock.attempts(), 1);
    assert_eq!(told.take_only("not retried"), ["not retried 1 told_never"]);
}

#[tokio::test(start_paused = true)]
async fn told_never_the_transactions_other_calls_still_are_and_its_answer_says_never() {
    let hopeless = Script::new([Step::status(503).header("x-txn-retry", "never")]);
    let network = Network::new().service("hopeless", hopeless.clone());
    let client = network.client().unwrap();
    let answers = move |client: ServiceClient| async move {
        let answer = client.get("http://hopeless/").send().await.unwrap();
        StatusCode::from_u16(answer.status().as_u16()).unwrap()
    };
    let handler = move || answers(client.clone());
    let inbound = MsaLayer::new(&Settings::default()).unwrap();
    let middle = Router::new().route("/", get(handler)).layer(inbound);
    let network = network.service("middle", middle);
    let answer = network.client().unwrap();
    let answer = answer.get("http://middle/").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["x-txn-retry"], "never");
    assert_eq!(hopeless.attempts(), 1, "neither hop tried again");
}

#[tokio::test(start_paused = true)]
async fn parallel_calls_of_a_transaction_draw_their_retries_from_one_counter() {
    let (network, stock) = stock(2, [Step::status(503).after(ms(5))]);
    let (client, told) = client(&network, "");
    let calls = (0..10).map(|_| outcome(&client));
    let txn = Txn::begin();
    txn::scope(txn.clone(), futures_util::future::join_all(calls)).await;
    assert_eq!((stock.attempts(), txn.retries_left()), (12, 0));
    let told = told.take();
    let count = |begin: &str| told.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!(count("retried"), 2);
    // What is left is told downstream: nothing may be tried again there either.
    let last = &stock.requests()[11].headers;
    assert_eq!(last["x-txn-retries"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_above_the_replay_limit_is_sent_once_and_no_error_for_it() {
    let (network, stock) = stock(2, [Step::status(503)]);
    let (client, told) = client(&network, "retry.replay_limit = \"1KiB\"");
    let attempts = async |body: Body| {
        let before = stock.attempts();
        let answer = client.put(URL).body(body).send().await;
        let status = answer.map_err(CallError::from).unwrap().status();
        assert_eq!(status, 503, "the answer is the caller's all the same");
        stock.attempts() - before
    };
    let streamed = |length: usize| {
        let pieces = [Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; length]))];
        Body::wrap_stream(futures_util::stream::iter(pieces))
    };
    assert_eq!(attempts(streamed(1024)).await, 3);
    assert_eq!(attempts(streamed(1025)).await, 1);
    assert_eq!(
        told.take_only("not retried").last().unwrap(),
        "not retried 1 body_not_repeatable"
    );
    assert_eq!(attempts(Body::from(vec![b'x'; 1024])).await, 3);
    assert_eq!(attempts(Body::from(vec![b'x'; 1025])).await, 1);
    let whole = stock.requests();
    assert!(
        whole
            .iter()
            .all(|seen| (1024..=1025).contains(&seen.body.len()))
    );
}

#[tokio::test(start_paused = true)]
async fn once_body_bytes_were_delivered_nothing_is_tried_again() {
    let (network, stock) = stock(2, [Step::status(200).body("half").then_reset()]);
    let (client, _) = client(&network, "");
    let mut response = client.get(URL).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "half");
    assert!(response.chunk().await.is_err());
    assert_eq!(stock.attempts(), 1);
}
