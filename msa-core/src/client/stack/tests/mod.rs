//! A call may be dropped wherever it waits: all that it counted is given back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

mod slow;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Request;

use self::slow::{Attempt, Slow};
use crate::balance::Slot;
use crate::client::ServiceClient;
use crate::client::breaker::{Outcome, breaker_of};
use crate::client::service::Snapshot;
use crate::client::transport::Failure;
use crate::clock;
use crate::config::{Loader, Settings};
use crate::discovery::FixedSource;
use crate::resilience::breaker::State;
use crate::testing::{Recorded, Recorder, polled};

/// Every policy, each with a reason to wait.
const ALL: &str = r#"
[clients.stock]
endpoints = []
coalesce = true
fallback.stale_for = "1m"
bulkhead.max_concurrent = 2
bulkhead.max_queue = 10
bulkhead.max_wait = "1s"
limit.mode = "on"
limit.algorithm = "fixed"
limit.initial = 2
limit.queue.max_wait = "1s"
rate_limit.rate = "500/s"
rate_limit.burst = 1
rate_limit.max_wait = "1s"
throttle.enabled = true
retry.backoff.kind = "fixed"
retry.backoff.base = "7ms"
retry.budget.kind = "none"
hedge.enabled = true
hedge.delay = "5ms"
hedge.budget.kind = "none"
breaker.trials = 1000
breaker.trials_at_once = 2
outlier.local_failures = 0
outlier.gateway_failures = 0
fault.delay = "2ms"
fault.delay_percentage = "100%"
fault.slow_body = "1KiB"
fault.slow_body_percentage = "100%"
"#;

/// Read once: reading costs more than a call.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let none: [(&str, &str); 0] = [];
    let loader = Loader::new("tests").toml_str("msa.toml", ALL).env(none);
    Settings::clone(&loader.load().unwrap().settings())
});

const URL: &str = "http://stock/items/7";

struct Rig {
    client: ServiceClient,
    recorder: Arc<Recorder>,
}

impl Rig {
    fn new(attempts: &[Attempt]) -> Self {
        let source = FixedSource::default();
        let hosts = ["http://a:80", "http://b:80", "http://c:80"];
        source.set("stock", hosts.map(|url| url.parse().unwrap()));
        let recorder = Recorder::new();
        let client = ServiceClient::builder()
            .discovery(Arc::new(source))
            .transport(Arc::new(Slow::new(attempts)))
            .settings(SETTINGS.clone())
            .observer(recorder.clone())
            .seed(1);
        Self {
            client: client.build().unwrap(),
            recorder,
        }
    }

    async fn call(&self) -> Option<Bytes> {
        let response = self.client.get(URL).send().await.ok()?;
        response.bytes().await.ok()
    }

    fn state(&self) -> Arc<Snapshot> {
        let (services, now) = (&self.client.0.services, clock::now());
        let service = services.find(&URL.parse().unwrap(), now).unwrap();
        service.current(services.shared(), now)
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        self.state()
            .balancer
            .fleet()
            .unwrap()
            .members()
            .all()
            .to_vec()
    }

    /// What calls hold, by the name of who counts it; nothing once all are over.
    fn held(&self) -> Vec<(&'static str, usize)> {
        let (state, slots) = (self.state(), self.slots());
        let policies = &state.policies;
        let (bulkhead, limiter) = (&policies.bulkhead, policies.limit.limiter());
        let in_flight: u32 = slots.iter().map(|slot| slot.in_flight()).sum();
        let events = self.recorder.events();
        let count = |is: fn(&Recorded) -> bool| events.iter().filter(|event| is(event)).count();
        let begun = count(|event| matches!(event, Recorded::Picked { .. }));
        let ended = count(|event| matches!(event, Recorded::AttemptEnded(_)));
        [
            ("running in the bulkhead", bulkhead.running() as usize),
            ("waiting for the bulkhead", bulkhead.waiting() as usize),
            ("in the limit", limiter.in_flight() as usize),
            ("waiting for the limit", limiter.waiting() as usize),
            (
                "shared calls",
                policies.answers.as_ref().unwrap().in_flight(),
            ),
            ("in flight at endpoints", in_flight as usize),
            ("attempts whose end was not told", begun - ended),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }

    /// Who waits for the bulkhead, and for the limit.
    fn waiting(&self) -> (u32, u32) {
        let state = self.state();
        let policies = &state.policies;
        (
            policies.bulkhead.waiting(),
            policies.limit.limiter().waiting(),
        )
    }

    /// Opens the breakers, and lets the time pass after which they take trials.
    async fn half_open(&self) {
        for slot in self.slots() {
            let breaker = breaker_of(&**slot.gate().unwrap()).unwrap().clone();
            for _ in 0..20 {
                let permit = breaker.try_acquire_owned(clock::now()).unwrap();
                permit.end(Outcome::Failure, clock::now());
            }
            assert_eq!(breaker.state(clock::now()), State::Open);
        }
        tokio::time::sleep(Duration::from_secs(6)).await;
    }

    /// Whether every breaker that is half-open has all of its permits: two at once.
    fn trials_are_free(&self) -> bool {
        self.slots().iter().all(|slot| {
            let breaker = breaker_of(&**slot.gate().unwrap()).unwrap();
            let now = clock::now();
            if breaker.state(now) != State::HalfOpen {
                return true;
            }
            let one = breaker.try_acquire_owned(now);
            let two = breaker.try_acquire_owned(now);
            one.is_ok() && two.is_ok()
        })
    }
}

/// Makes a call under these circumstances again and again, dropped one poll later each time. Tells how many polls a whole
/// one takes.
async fn dropped_everywhere<P>(attempts: &[Attempt], prepare: impl AsyncFn(&Rig) -> P) -> usize {
    for times in 0..1_000 {
        let rig = Rig::new(attempts);
        // So that what was kept does not stand in, and what was learned does not matter: each time a new client.
        let prepared = prepare(&rig).await;
        let done = polled(times, rig.call()).await;
        assert_eq!(rig.waiting(), (0, 0), "after {times} polls");
        drop(prepared);
        // Those that were to free places have ended, and those that were aborted were dropped.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.held(), [], "after {times} polls");
        assert!(rig.trials_are_free(), "after {times} polls");
        if let Some(answer) = done {
            assert_eq!(answer.unwrap(), "piecepiecepiece");
            return times;
        }
    }
    panic!("it never ends")
}

/// A task that ends with whoever prepared it.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn task(work: impl Future<Output = ()> + Send + 'static) -> Task {
    Task(tokio::spawn(work))
}

const GOOD: Attempt = Attempt::Answers(200);

#[tokio::test(start_paused = true)]
async fn a_call_that_is_hedged_fails_and_is_retried_gives_everything_back_at_every_await_point() {
    // The transaction pays for two more attempts.
    let late = Attempt::AnswersAfter(20, 503);
    let reset = Attempt::Fails(Failure::Reset);
    for attempts in [
        [late, reset, GOOD],
        [reset, Attempt::Hangs, GOOD],
        [reset, Attempt::Fails(Failure::Refused), GOOD],
    ] {
        let polls = dropped_everywhere(&attempts, async |_| ()).await;
        assert!(polls > 15, "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_gives_its_place_in_the_line_back() {
    // The first use of the rate's only permit.
    let takes_the_turn = async |rig: &Rig| {
        let state = rig.state();
        let rate = state.policies.rate_limit.as_ref().unwrap();
        rate.try_acquire(clock::now()).unwrap();
    };
    let without = dropped_everywhere(&[GOOD], async |_| ()).await;
    let polls = dropped_everywhere(&[GOOD], takes_the_turn).await;
    assert!(polls > without, "it waited");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_the_bulkhead_leaves_its_queue_or_passes_its_permit_on() {
    let fills = async |rig: &Rig| {
        let bulkhead = rig.state().policies.bulkhead.clone();
        let held = [(); 2].map(|()| bulkhead.try_acquire().unwrap().into_owned());
        task(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        })
    };
    dropped_everywhere(&[GOOD], fills).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_within_the_limit_leaves_its_queue_or_passes_its_place_on() {
    let fills = async |rig: &Rig| {
        let limiter = rig.state().policies.limit.limiter().clone();
        let take = || limiter.try_acquire(crate::txn::Criticality::Default, clock::now());
        let held = [take().unwrap(), take().unwrap()];
        task(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        })
    };
    dropped_everywhere(&[GOOD], fills).await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_call_gives_its_permit_back() {
    for attempts in [
        vec![GOOD],
        vec![Attempt::Hangs, GOOD],
        vec![Attempt::Fails(Failure::NeverSent), GOOD],
        vec![Attempt::Answers(503), GOOD],
    ] {
        dropped_everywhere(&attempts, async |rig: &Rig| rig.half_open().await).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_shares_anothers_answer_leaves_it_wherever_either_is_dropped() {
    // The other goes away before its headers, in its body, or not at all.
    for leaves_after in [1, 3, 8, 12, 10_000] {
        let leads = async |rig: &Rig| {
            let client = rig.client.clone();
            let leader = task(async move {
                let call = async {
                    let response = client.get(URL).send().await.unwrap();
                    response.bytes().await.unwrap()
                };
                polled(leaves_after, call).await;
            });
            // Its first poll, which begins the call.
            tokio::task::yield_now().await;
            leader
        };
        dropped_everywhere(&[GOOD], leads).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_checks_see_what_is_held() {
    let rig = Rig::new(&[Attempt::Hangs]);
    let mut call = Box::pin(rig.call());
    let polled_once = tokio::time::timeout(Duration::from_millis(4), &mut call);
    assert!(polled_once.await.is_err());
    let held: Vec<_> = rig.held().into_iter().map(|(who, _)| who).collect();
    let all = [
        "running in the bulkhead",
        "in the limit",
        "shared calls",
        "in flight at endpoints",
        "attempts whose end was not told",
    ];
    assert_eq!(held, all);
    drop(call);
    assert_eq!(rig.held(), []);
}

/// A call's future is copied into its box, so its size is a cost of every call, whichever way it goes.
#[test]
fn a_call_is_no_larger_than_what_nearly_every_call_needs() {
    let client = ServiceClient::builder().build().unwrap();
    let url = URL.parse().unwrap();
    let request = Request::new(reqwest::Method::GET, url);
    let extensions = http::Extensions::new();
    let call = super::call(&client.0.services, &client.0.headers, request, &extensions);
    let size = size_of_val(&call);
    assert!(size <= 2816, "{size} bytes");
}
