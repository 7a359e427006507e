//! Timeouts and retries of single methods.

use std::time::Duration;

use msa_core::clock;
use msa_core::prelude::*;
use msa_core::testing::{Network, Script, Step};

const PATIENCE: Duration = Duration::from_millis(70);

#[service_client(name = "stock")]
trait StockApi {
    #[get("/")]
    async fn usual(&self) -> Result<(), CallError>;
    #[get("/")]
    #[timeout("50ms")]
    #[no_retry]
    async fn hurried(&self) -> Result<(), CallError>;
    #[get("/")]
    #[timeout(total = "1s", attempt = PATIENCE)]
    #[retry(1)]
    async fn patient(&self) -> Result<(), CallError>;
    #[post("/")]
    async fn once(&self) -> Result<(), CallError>;
    #[post("/")]
    #[idempotent]
    async fn again(&self) -> Result<(), CallError>;
    #[post("/")]
    #[retry(max = 1)]
    async fn keyed(&self, #[header("idempotency-key")] key: &str) -> Result<(), CallError>;
    #[get("/")]
    #[max_response("4B")]
    #[stream]
    async fn small(&self) -> Result<String, CallError>;
}

fn stock(steps: impl IntoIterator<Item = Step>) -> (StockApiClient, Script) {
    let script = Script::new(steps);
    let network = Network::new().service("stock", script.clone());
    (StockApiClient::new(network.client().unwrap()), script)
}

#[tokio::test(start_paused = true)]
async fn a_methods_timeout_ends_its_call_and_no_other() {
    let (stock, script) = stock([Step::hang(), Step::hang(), Step::hang(), Step::status(200)]);
    let start = clock::now();
    let error = stock.hurried().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    assert_eq!(clock::since(start), Duration::from_millis(50));
    assert_eq!(script.attempts(), 1);

    let start = clock::now();
    let error = stock.patient().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (CallErrorKind::AttemptTimeout, 2)
    );
    assert!(clock::since(start) >= 2 * PATIENCE);
    stock.usual().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_again_only_when_that_is_said_to_do_no_harm() {
    let fails = || [Step::status(503), Step::status(200)];
    let (once, script) = stock(fails());
    assert_eq!(once.once().await.unwrap_err().kind(), CallErrorKind::Status);
    assert_eq!(script.attempts(), 1);
    let (again, script) = stock(fails());
    again.again().await.unwrap();
    assert_eq!(script.attempts(), 2);
    let (keyed, script) = stock(fails());
    keyed.keyed("k").await.unwrap();
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_methods_own_cap_holds() {
    let (stock, _script) = stock([
        Step::status(200).body("1234"),
        Step::status(200).body("12345"),
    ]);
    assert_eq!(stock.small().await.unwrap(), "1234");
    assert_eq!(stock.small().await.unwrap_err().kind(), CallErrorKind::Body);
}

#[service_client(name = "stock")]
trait PerCallApi {
    #[get("/")]
    async fn ask(&self, #[options] options: CallOptions) -> Result<(), CallError>;
}

#[tokio::test(start_paused = true)]
async fn one_calls_own_options_are_an_argument() {
    let script = Script::new([Step::status(503), Step::status(200)]);
    let network = Network::new().service("stock", script.clone());
    let stock = PerCallApiClient::new(network.client().unwrap());
    let once = CallOptions::new().max_retries(0);
    assert!(stock.ask(once).await.is_err());
    assert_eq!(script.attempts(), 1);
    stock.ask(CallOptions::new()).await.unwrap();
}
