#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderMap, HeaderName, Request};
use proptest::prelude::*;
use tower::{Layer as _, Service as _, service_fn};

use super::*;
use crate::clock;
use crate::config::Rate;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn gcra_spends_a_burst_and_then_gives_permits_back_one_by_one() {
    let begin = clock::now();
    let limit = RateLimit::new(RateLimitConfig::gcra(rate("10/s")).burst(3), begin);
    let at = |ms: u32| begin + MS * ms;
    for left in [2, 1, 0] {
        assert_eq!(limit.try_acquire(at(0)).unwrap().remaining, left);
    }
    for (ms, expected) in [
        (0, false),
        (99, false),
        (100, true),
        (100, false),
        (350, true),
        (350, true),
        (350, false),
    ] {
        assert_eq!(limit.try_acquire(at(ms)).is_ok(), expected, "at {ms} ms");
    }
    let long_after = limit.quota(at(60_000));
    assert_eq!(
        (long_after.remaining, long_after.limit, long_after.window),
        (3, 3, 300 * MS)
    );
}

#[test]
fn a_reserved_permit_is_gone_for_everybody_else() {
    for config in [
        RateLimitConfig::gcra(rate("10/s")).burst(1),
        RateLimitConfig::window(rate("1/100ms")),
    ] {
        let begin = clock::now();
        let limit = RateLimit::new(config, begin);
        let reserve = |max: u32| limit.reserve(NonZeroU32::MIN, MS * max, begin).ok();
        assert_eq!(reserve(0), Some(Duration::ZERO));
        assert_eq!(reserve(99), None, "and asking takes nothing");
        assert_eq!(reserve(100), Some(100 * MS));
        assert_eq!(reserve(100), None);
        assert_eq!(reserve(200), Some(200 * MS));
        assert_eq!(limit.quota(begin).remaining, -2, "{config:?}");
    }
}

#[test]
fn a_window_gives_all_its_permits_at_once_and_keeps_none_of_the_last() {
    let begin = clock::now();
    let limit = RateLimit::new(RateLimitConfig::window(rate("2/1s")), begin);
    let at = |ms: u32| begin + MS * ms;
    assert_eq!(limit.quota(at(5_500)).remaining, 2);
    assert!(limit.try_acquire(at(5_500)).is_ok() && limit.try_acquire(at(5_999)).is_ok());
    let limited = limit.try_acquire(at(5_999)).unwrap_err();
    assert_eq!(limited.retry_after, Some(MS));
    assert!(limit.try_acquire(at(6_000)).is_ok());
}

#[test]
fn a_rate_of_zero_lets_nothing_through_and_more_than_the_burst_never() {
    let now = clock::now();
    let nothing = RateLimit::new(RateLimitConfig::gcra(rate("0/s")), now);
    assert_eq!(nothing.try_acquire(now).unwrap_err().retry_after, None);
    let limit = RateLimit::new(RateLimitConfig::gcra(rate("10/s")), now);
    let eleven = NonZeroU32::new(11).unwrap();
    let refused = limit.reserve(eleven, Duration::MAX, now).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the rate limit never lets so much through at once"
    );
}

#[test]
fn the_slowest_rates_and_the_largest_bursts_do_not_overflow() {
    let now = clock::now();
    for text in [
        "1/100years",
        "4294967295/100years",
        "18446744073709551615/ns",
    ] {
        let limit = RateLimit::new(RateLimitConfig::gcra(rate(text)).burst(u32::MAX), now);
        assert!(limit.try_acquire(now).is_ok(), "{text}");
        let end = now + Duration::from_secs(1 << 32);
        assert!(limit.try_acquire(end).is_ok(), "{text}");
        let window = RateLimit::new(RateLimitConfig::window(rate(text)), now);
        assert!(window.try_acquire(end).is_ok());
    }
}

proptest! {
    /// In any stretch of time no more pass than the burst and what came back meanwhile.
    #[test]
    fn gcra_never_lets_more_through_than_its_rate(
        amount in 1_u32..50, burst in 1_u32..20,
        gaps in prop::collection::vec(0_u64..200, 1..200),
    ) {
        let begin = clock::now();
        let config = RateLimitConfig::gcra(Rate::per_second(amount.into())).burst(burst);
        let limit = RateLimit::new(config, begin);
        let (mut ms, mut passed) = (0, Vec::new());
        for gap in gaps {
            ms += gap;
            if limit.try_acquire(begin + MS * u32::try_from(ms).unwrap()).is_ok() {
                passed.push(ms);
            }
        }
        for (i, from) in passed.iter().enumerate() {
            for (j, to) in passed.iter().enumerate().skip(i) {
                let came_back = (to - from) as f64 / 1000.0 * f64::from(amount);
                prop_assert!((j - i + 1) as f64 <= f64::from(burst) + came_back + 1e-3);
            }
        }
    }
}

#[test]
fn each_key_has_its_own_rate_and_memory_is_bounded() {
    for config in [
        RateLimitConfig::gcra(rate("1/s")),
        RateLimitConfig::window(rate("1/s")),
    ] {
        let begin = clock::now();
        let limit = KeyedRateLimit::new(config, 64, begin);
        assert!(limit.try_acquire("a", begin).is_ok() && limit.try_acquire("b", begin).is_ok());
        assert!(limit.try_acquire("a", begin).is_err());
        let passed = (0..10_000)
            .filter(|key| limit.try_acquire(key, begin).is_ok())
            .count();
        assert!(limit.keys() <= 64, "{}", limit.keys());
        assert!(
            passed <= 64 + 16,
            "those beyond share one rate a shard: {passed}"
        );
        assert!(
            limit.try_acquire("a", begin).is_err(),
            "a flood does not make it forget"
        );
        let later = begin + 2000 * MS;
        let passed = (20_000..20_032)
            .filter(|key| limit.try_acquire(key, later).is_ok())
            .count();
        assert!(passed > 16, "who has rested makes room: {passed}");
    }
}

#[test]
fn the_headers_are_those_of_the_draft() {
    let now = clock::now();
    let limit = RateLimit::new(RateLimitConfig::gcra(rate("100/m")), now);
    let quota = limit.try_acquire(now).unwrap();
    let mut headers = HeaderMap::new();
    quota.headers("per \"minute\"\n", &mut headers);
    Quota::retry_after(10 * MS, &mut headers);
    assert_eq!(headers["ratelimit-policy"], "\"per minute\";q=100;w=60");
    assert_eq!(headers["ratelimit"], "\"per minute\";r=99;t=1");
    assert_eq!(headers["retry-after"], "1");
}

async fn ask(
    service: &mut InboundRateLimitService<
        impl tower::Service<Request<Body>, Response = Response, Error = Infallible>,
    >,
    from: &str,
    key: Option<&str>,
) -> Response {
    let mut request = Request::new(Body::empty());
    let peer: SocketAddr = from.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    if let Some(key) = key {
        request
            .headers_mut()
            .insert("x-api-key", key.parse().unwrap());
    }
    service.call(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_answers_429_to_who_asks_too_often_and_to_nobody_else() {
    let ok = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let layer = InboundRateLimitLayer::new(RateLimitConfig::gcra(rate("1/10s")), clock::now());
    let mut service = layer.key(RateLimitKey::Client).name("clients").layer(ok);
    let first = ask(&mut service, "[2001:db8::1]:1000", None).await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["ratelimit"]),
        (200, &"\"clients\";r=0;t=10".parse().unwrap())
    );
    let same_network = ask(&mut service, "[2001:db8::2]:2000", None).await;
    assert_eq!(
        (
            same_network.status().as_u16(),
            &same_network.headers()["retry-after"]
        ),
        (429, &"10".parse().unwrap())
    );
    assert_eq!(
        same_network.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(ask(&mut service, "10.0.0.1:1000", None).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_header_is_a_key_and_dark_only_reports() {
    let ok = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let recorder = crate::testing::Recorder::new();
    let layer = InboundRateLimitLayer::new(RateLimitConfig::gcra(rate("1/10s")), clock::now());
    let layer = layer.key(RateLimitKey::Header(HeaderName::from_static("x-api-key")));
    let mut service = layer.clone().layer(ok);
    for (key, status) in [
        (Some("a"), 200),
        (Some("b"), 200),
        (Some("a"), 429),
        (None, 200),
        (None, 429),
    ] {
        assert_eq!(ask(&mut service, "10.0.0.1:1", key).await.status(), status);
    }
    let observers = crate::event::Observers::none().with(recorder.clone());
    let mut dark = layer
        .dark(true)
        .headers(false)
        .observers(observers)
        .layer(ok);
    let answer = ask(&mut dark, "10.0.0.1:1", Some("a")).await;
    assert!(answer.status() == 200 && !answer.headers().contains_key("ratelimit"));
    assert_eq!(recorder.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_turn_as_long_as_they_may() {
    let config = RateLimitConfig::gcra(rate("10/s"))
        .burst(1)
        .max_wait(150 * MS);
    let limit = RateLimit::new(config, clock::now());
    let mut service = RateLimitLayer::new(limit.clone())
        .layer(service_fn(async |()| Ok::<_, Infallible>(clock::now())));
    let begin = clock::now();
    let (first, second) = (service.call(()), service.call(()));
    let third = service.call(()).await.unwrap_err();
    assert_eq!(
        third.downcast_ref::<Limited>().unwrap().retry_after,
        Some(200 * MS)
    );
    assert_eq!(first.await.unwrap() - begin, Duration::ZERO);
    assert_eq!(second.await.unwrap() - begin, 100 * MS);
    limit.acquire(clock::now()).await.unwrap();
    assert_eq!(clock::since(begin), 200 * MS);
}
