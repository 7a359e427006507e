//! The breaker of an endpoint in the client's stack: what counts for it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use msa_core::client::{CallError, CallErrorKind};
use msa_core::testing::{Network, Script, Step};

/// Asks so often, one after the other; how often nobody was asked since the breaker was open.
async fn refused_of(calls: usize, answer: Step) -> usize {
    let network = Network::new().service("stock", Script::new([answer]));
    let client = network.client_builder().build().unwrap();
    let mut refused = 0;
    for _ in 0..calls {
        if let Err(error) = client.get("http://stock/").send().await {
            assert_eq!(CallError::from(error).kind(), CallErrorKind::CircuitOpen);
            refused += 1;
        }
    }
    refused
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sheds_is_called_on_and_one_that_fails_is_not() {
    let shed = Step::status(503)
        .header("retry-after", "1")
        .header("x-txn-retry", "never");
    assert_eq!(refused_of(100, shed).await, 0);
    let failed = Step::status(503).header("x-txn-retry", "never");
    assert_eq!(
        refused_of(100, failed).await,
        80,
        "after 20 calls it is open"
    );
}
