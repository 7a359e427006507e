#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::time::Duration;

use tower::{Layer as _, Service as _, service_fn};

use super::*;
use crate::clock;
use crate::config::Size;
use crate::event::Observers;
use crate::testing::Recorder;

const SECOND: Duration = Duration::from_secs(1);

type Outcome = Result<u32, &'static str>;

async fn settle(substitute: &impl Substitute<u32, &'static str>, outcome: Outcome) -> Outcome {
    substitute.settle(outcome, clock::now()).await.0
}

#[tokio::test]
async fn a_good_answer_passes_and_a_failure_is_substituted() {
    assert_eq!(settle(&value(7), Ok(1)).await, Ok(1));
    assert_eq!(settle(&value(7), Err("broken")).await, Ok(7));
    assert_eq!(settle(&NoFallback, Err("broken")).await, Err("broken"));
    let other = function(async |error: &'static str| match error {
        "small" => Ok(3),
        _ => Err("both"),
    });
    assert_eq!(settle(&other, Err("small")).await, Ok(3));
    assert_eq!(settle(&other, Err("large")).await, Err("both"));
}

#[tokio::test]
async fn a_condition_picks_failures_and_the_next_one_takes_the_rest() {
    let some = value(1).only_when(|error: &&str| *error == "a");
    assert_eq!(settle(&some, Err("b")).await, Err("b"));
    let both = some.or(value(2));
    assert_eq!(settle(&both, Err("a")).await, Ok(1));
    assert_eq!(settle(&both, Err("b")).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_good_answer_stands_in_until_it_is_too_old() {
    let cache = StaleCache::new(SECOND, Size::mib(1));
    let (one, two) = (cache.of("one"), cache.of("two"));
    for answer in [1, 2] {
        settle(&one, Ok(answer)).await.unwrap();
    }
    assert_eq!(settle(&one, Err("broken")).await, Ok(2));
    assert_eq!(settle(&two, Err("broken")).await, Err("broken"));
    tokio::time::advance(SECOND).await;
    assert_eq!(settle(&one, Err("broken")).await, Ok(2));
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(settle(&one, Err("broken")).await, Err("broken"));
}

#[test]
fn the_oldest_go_when_there_is_too_much() {
    let now = clock::now();
    let cache = StaleCache::measured(SECOND, Size::kib(64), |_, body: &Vec<u8>| body.len() as u64);
    let body = || vec![0; 20_000];
    for key in [1, 2, 3, 1, 4] {
        cache.put(key, body(), now);
        assert!(cache.bytes() <= 64 * 1024);
    }
    let kept: Vec<_> = (1..=4)
        .filter(|key| cache.get(key, now).is_some())
        .collect();
    assert_eq!(kept, [1, 3, 4], "1 was new again");
    cache.put(1, vec![0; 100_000], now);
    assert!(cache.bytes() <= 64 * 1024 && cache.get(&1, now).is_none());
}

#[test]
fn an_answer_that_is_renewed_for_ever_takes_no_more_memory() {
    let now = clock::now();
    let cache = StaleCache::new(SECOND, Size::kib(1));
    for _ in 0..10_000 {
        cache.put("one", 1, now);
    }
    let (bytes, places) = (cache.bytes(), cache.places());
    assert!(bytes < 200 && places <= 18, "{bytes} {places}");
}

#[tokio::test]
async fn a_service_falls_back_and_says_so() {
    let recorder = Recorder::new();
    let layer = FallbackLayer::new(|name: &&'static str| value(name.len()))
        .name("names")
        .observers(Observers::none().with(recorder.clone()));
    let fails = service_fn(async |_: &'static str| Err::<usize, _>(std::io::Error::other("gone")));
    assert_eq!(layer.layer(fails).call("three").await.unwrap(), 5);
    let told = format!("{:?}", recorder.events());
    assert!(told.contains("FellBack") && told.contains("gone") && told.contains("value"));
}
