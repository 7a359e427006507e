//! Whoever gives up waiting tells how long that was: an endpoint that hangs must not look fast.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use msa_core::balance::{self, Fleet, Measures};
use msa_core::client::{CallErrorKind, CallOptions, ServiceClient};
use msa_core::clock;
use msa_core::config::BalanceSettings;
use msa_core::testing::{Script, Step};
use msa_core::txn::{self, Txn};

use crate::support::{URL, get, ms, settings, stock};

struct Rig {
    client: ServiceClient,
    fleet: Arc<Mutex<Vec<Arc<Fleet>>>>,
}

/// An endpoint that answered after 10 ms once, and never answers from then on.
async fn rig() -> Rig {
    let quick = Step::status(200).after(ms(10));
    let (network, _) = stock(1, [quick, Step::hang()]);
    let fleet = Arc::new(Mutex::new(Vec::new()));
    let shared = fleet.clone();
    let client = network
        .client_builder()
        .balancer(move |_, name| {
            let fleet = Arc::new(Fleet::new(Measures::default()));
            shared.lock().unwrap().push(fleet.clone());
            balance::build_on(fleet, name, &BalanceSettings::default(), 1, clock::now())
        })
        .build()
        .unwrap();
    get(&client).await.unwrap();
    Rig { client, fleet }
}

impl Rig {
    /// Its estimate; of the first endpoint that has one.
    fn latency(&self) -> Duration {
        let members = self.fleet.lock().unwrap()[0].members();
        let known = |slot: &Arc<balance::Slot>| slot.latency(clock::now());
        members.all().iter().find_map(known).unwrap()
    }
}

fn close(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) < ms(1)
}

#[tokio::test(start_paused = true)]
async fn by_a_caller_that_goes_away() {
    let rig = rig().await;
    assert!(close(rig.latency(), ms(10)));
    let call = tokio::time::timeout(ms(500), get(&rig.client));
    assert!(call.await.is_err());
    assert!(close(rig.latency(), ms(500)), "{:?}", rig.latency());
}

#[tokio::test(start_paused = true)]
async fn by_the_attempts_timeout_and_by_the_total_deadline() {
    let once = CallOptions::new().max_retries(0);
    for options in [once.attempt_timeout(ms(500)), once.timeout(ms(500))] {
        let rig = rig().await;
        let call = rig.client.get(URL).with_extension(options).send();
        call.await.unwrap_err();
        assert!(close(rig.latency(), ms(500)), "{:?}", rig.latency());
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_deadline_that_the_caller_inherited() {
    let rig = rig().await;
    let mut incoming = txn::Headers::default().extract(&HeaderMap::new());
    incoming.timeout = Some(ms(500));
    let mint = || *Txn::begin().gtxid();
    let txn = Txn::from_incoming(&incoming, mint, None, clock::now());
    let error = txn::scope(txn, get(&rig.client)).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    assert!(close(rig.latency(), ms(500)), "{:?}", rig.latency());
}

#[tokio::test(start_paused = true)]
async fn by_a_hedge_that_lost() {
    let steps = [
        Step::status(200).after(ms(10)),
        Step::status(200).after(ms(10)),
        Step::status(200).after(ms(300)),
        Step::status(200).after(ms(50)),
    ];
    let (network, script) = stock(2, steps);
    let fleet = Arc::new(Mutex::new(Vec::new()));
    let shared = fleet.clone();
    let client = network
        .client_builder()
        .settings(settings(
            "[clients.stock]\nhedge.enabled = true\nhedge.delay = \"100ms\"",
        ))
        .balancer(move |_, _| {
            let fleet = Arc::new(Fleet::new(Measures::default()));
            shared.lock().unwrap().push(fleet.clone());
            let turns = msa_core::config::BalancerName::RoundRobin;
            balance::build_on(fleet, turns, &BalanceSettings::default(), 1, clock::now())
        })
        .build()
        .unwrap();
    for _ in 0..3 {
        get(&client).await.unwrap();
    }
    assert_eq!(script.attempts(), 4);
    let members = fleet.lock().unwrap()[0].members();
    let mut known: Vec<_> = (members.all().iter())
        .map(|slot| slot.latency(clock::now()).unwrap())
        .collect();
    known.sort();
    assert!(
        close(known[0], ms(50)) && close(known[1], ms(150)),
        "{known:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn so_that_callers_of_little_patience_turn_to_another() {
    // One of two instances hangs, and nobody waits for it longer than 50 ms.
    let good = Script::new([Step::status(200).after(ms(5))]);
    let bad = Script::new([Step::status(200).after(ms(5)), Step::hang()]);
    let network = msa_core::testing::Network::new();
    network.instance("stock", good.clone());
    network.instance("stock", bad.clone());
    let client = network.client().unwrap();
    for _ in 0..200 {
        let _given_up = tokio::time::timeout(ms(50), get(&client)).await;
    }
    let share = bad.attempts();
    assert!(share < 30, "{share} of 200 went to the one that hangs");
}
