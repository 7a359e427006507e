//! `/metrics` of whole services on real sockets, read by those who will read it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

mod prometheus;
mod readers;
mod support;

use std::time::Duration;

use http::Method;
use msa_core::resilience::breaker::{Breaker, BreakerConfig};
use msa_core::resilience::policy::Policy;
use support::{Http, Scraped, caller, leaf, scrape};

#[tokio::test]
async fn each_request_and_each_attempt_is_counted_once_under_its_route_and_its_service() {
    let stock = leaf();
    let greeter = caller(&stock, "clients.stock.retry.backoff.base = '1ms'");
    let http = Http::new();
    let url = |path: &str| format!("http://{}{path}", greeter.addr());
    for id in 0..7 {
        let answer = http.get(url(&format!("/greet/{id}"))).await;
        assert_eq!(answer.text, "Hello, 7 left");
    }
    // 503 thrice: the call and both of its retries.
    assert_eq!(http.get(url("/fail")).await.status, 502);
    assert_eq!(http.get(url("/no/such")).await.status, 404);
    let echoed = http
        .ask(Method::POST, &url("/echo"), "x".repeat(2_000))
        .await;
    assert_eq!(echoed.status, 200);
    let brew = Method::from_bytes(b"BREW").unwrap();
    let brewed = http.ask(brew, &url("/greet/1"), "").await;
    assert_eq!(brewed.status, 405);

    let scraped = scrape(&greeter).await;
    let requests = |labels: &str| {
        let name = "http_server_request_duration_seconds_count";
        scraped.value(&format!("{name}{{{labels}}}"))
    };
    let get = "http_request_method=\"GET\",url_scheme=\"http\"";
    for (labels, count) in [
        (
            "http_route=\"/greet/{id}\",http_response_status_code=\"200\"",
            7.0,
        ),
        (
            "http_route=\"/fail\",http_response_status_code=\"502\",error_type=\"502\"",
            1.0,
        ),
        ("http_response_status_code=\"404\"", 1.0),
    ] {
        assert_eq!(
            requests(&format!("{get},{labels}")),
            Some(count),
            "{labels}"
        );
    }
    let other = "http_request_method=\"_OTHER\",url_scheme=\"http\",http_route=\"/greet/{id}\",http_response_status_code=\"405\"";
    assert_eq!(requests(other), Some(1.0));
    assert_eq!(
        scraped.sum("http_server_request_duration_seconds_count"),
        11.0
    );
    assert_eq!(scraped.sum("http_server_active_requests"), 0.0);
    let echoed = "http_request_method=\"POST\",url_scheme=\"http\",http_route=\"/echo\",http_response_status_code=\"200\"";
    for direction in ["request", "response"] {
        let name = format!("http_server_{direction}_body_size_bytes");
        assert_eq!(
            scraped.value(&format!("{name}_sum{{{echoed}}}")),
            Some(2_000.0)
        );
        assert_eq!(
            scraped.value(&format!("{name}_bucket{{{echoed},le=\"1000.0\"}}")),
            Some(0.0)
        );
        assert_eq!(
            scraped.value(&format!("{name}_bucket{{{echoed},le=\"10000.0\"}}")),
            Some(1.0)
        );
    }

    let endpoint = stock.addr();
    let stock = "service=\"stock\"";
    for (series, value) in [
        ("http_client_request_duration_seconds_count{http_request_method=\"GET\",server_address=\"stock\",http_response_status_code=\"200\"}".to_owned(), 7.0),
        ("http_client_request_duration_seconds_count{http_request_method=\"GET\",server_address=\"stock\",http_response_status_code=\"503\",error_type=\"503\"}".to_owned(), 3.0),
        (format!("msa_call_duration_seconds_count{{{stock},outcome=\"200\"}}"), 7.0),
        (format!("msa_call_duration_seconds_count{{{stock},outcome=\"503\"}}"), 1.0),
        (format!("msa_call_attempts_total{{{stock}}}"), 10.0),
        (format!("msa_picks_total{{{stock},endpoint=\"{endpoint}\"}}"), 10.0),
        (format!("msa_attempts_total{{{stock},endpoint=\"{endpoint}\",outcome=\"503\"}}"), 3.0),
        (format!("msa_attempt_duration_seconds_count{{{stock},endpoint=\"{endpoint}\"}}"), 10.0),
        (format!("msa_retries_total{{{stock},reason=\"503\",dark=\"false\"}}"), 2.0),
        (format!("msa_retry_refusals_total{{{stock},reason=\"exhausted\"}}"), 1.0),
        (format!("msa_endpoints{{{stock},state=\"eligible\"}}"), 1.0),
        (format!("msa_endpoint_in_flight{{{stock},endpoint=\"{endpoint}\"}}"), 0.0),
        (format!("msa_breaker_state{{{stock},endpoint=\"{endpoint}\",state=\"closed\"}}"), 1.0),
        (format!("msa_breaker_state{{{stock},endpoint=\"{endpoint}\",state=\"open\"}}"), 0.0),
        (format!("msa_bulkhead_available{{{stock}}}"), 1024.0),
        (format!("msa_discovery_endpoints{{{stock}}}"), 1.0),
        ("msa_phase{phase=\"ready\"}".to_owned(), 1.0),
        ("msa_health_passing{kind=\"advisory\",check=\"discovery\"}".to_owned(), 1.0),
        ("msa_config_refused".to_owned(), 0.0),
        ("target_info{service_name=\"greeter\",service_version=\"1.2.3\"}".to_owned(), 1.0),
    ] {
        assert_eq!(scraped.value(&series), Some(value), "{series}\n{}", scraped.text);
    }
    // Ten attempts earn two retries, and two were spent; ten a second come on top.
    assert!(
        scraped
            .value(&format!("msa_retry_budget{{{stock}}}"))
            .unwrap()
            > 0.0
    );
    for name in [
        "process_open_fds",
        "process_resident_memory_bytes",
        "tokio_workers",
    ] {
        assert!(scraped.value(name).unwrap() > 0.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_are_all_counted_and_none_stays_active() {
    const CLIENTS: usize = 8;
    const EACH: usize = 50;
    let stock = leaf();
    let greeter = caller(&stock, "");
    let url = format!("http://{}/greet/1", greeter.addr());
    let http = Http::new();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (http, url) = (http.clone(), url.clone());
        clients.spawn(async move {
            for _ in 0..EACH {
                assert_eq!(http.get(&url).await.status, 200);
            }
        });
        // Scrapes that come while series are made and counted break neither.
        scrape(&greeter).await;
    }
    clients.join_all().await;
    let scraped = scrape(&greeter).await;
    let all = (CLIENTS * EACH) as f64;
    assert_eq!(
        scraped.sum("http_server_request_duration_seconds_count"),
        all
    );
    assert_eq!(
        scraped.sum("http_client_request_duration_seconds_count"),
        all
    );
    assert_eq!(scraped.sum("msa_call_duration_seconds_count"), all);
    assert_eq!(scraped.sum("msa_picks_total"), all);
    assert_eq!(scraped.sum("http_server_active_requests"), 0.0);
    assert_eq!(
        scrape(&stock)
            .await
            .sum("http_server_request_duration_seconds_count"),
        all
    );
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_as_cancelled_and_is_not_active_any_more() {
    let stock = leaf();
    let greeter = caller(&stock, "");
    let http = Http::new();
    let url = format!("http://{}/hang", greeter.addr());
    let hanging = tokio::spawn(async move { http.get(url).await });
    let active = "http_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"}";
    until(async || scrape(&greeter).await.value(active) == Some(1.0)).await;
    hanging.abort();
    until(async || scrape(&greeter).await.value(active) == Some(0.0)).await;
    let gone = "http_server_request_duration_seconds_count{http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/hang\",error_type=\"cancelled\"}";
    let scraped = scrape(&greeter).await;
    assert_eq!(scraped.value(gone), Some(1.0), "{}", scraped.text);
}

#[tokio::test]
async fn a_call_is_active_until_its_caller_gives_up() {
    let stock = leaf();
    let greeter = caller(&stock, "");
    let url = format!("http://{}/wait", greeter.addr());
    let waiting = tokio::spawn(async move { Http::new().get(url).await });
    let active = "http_client_active_requests{server_address=\"stock\"}";
    until(async || scrape(&greeter).await.value(active) == Some(1.0)).await;
    waiting.abort();
    until(async || scrape(&greeter).await.value(active) == Some(0.0)).await;
}

#[tokio::test]
async fn the_age_of_what_discovery_read_stays_small_while_it_reads_and_grows_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endpoints.toml");
    std::fs::write(&file, "services.stock.endpoints = ['http://127.0.0.1:9']").unwrap();
    let toml = format!(
        "discovery.file = '{}'\ndiscovery.file_interval = '10ms'",
        file.display()
    );
    let service = support::service("reader", &toml);
    let reader = service.routes(axum::Router::new()).start().unwrap();
    let age = async || {
        let scraped = scrape(&reader).await;
        scraped.value("msa_discovery_read_age_seconds").unwrap()
    };
    std::fs::write(&file, "services.stock.endpoints = [").unwrap();
    until(async || scrape(&reader).await.value("msa_discovery_failing") == Some(1.0)).await;
    let before = age().await;
    until(async || age().await > before + 0.1).await;
    std::fs::write(&file, "services.stock.endpoints = []").unwrap();
    until(async || age().await < 0.1).await;
}

/// Waits for what other tasks have to do first.
async fn until(is_so: impl AsyncFn() -> bool) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn examples_name_the_transaction_and_only_openmetrics_has_them() {
    let stock = leaf();
    let greeter = caller(&stock, "");
    let http = Http::new();
    let url = format!("http://{}/greet/1", greeter.addr());
    let answer = http.get(url).await;
    let gtxid = answer.headers["x-gtxid"].to_str().unwrap().to_owned();
    let open = Scraped::new(&greeter, "application/openmetrics-text; version=1.0.0").await;
    assert_eq!(
        open.kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    for name in ["http_server", "http_client"] {
        let lines = open.text.lines();
        let mut examples =
            lines.filter(|line| line.starts_with(name) && line.contains(" # {trace_id="));
        let example = examples.next().unwrap();
        assert!(
            example.contains(&format!("trace_id=\"{gtxid}\"")),
            "{example}"
        );
    }
    let plain = scrape(&greeter).await;
    assert_eq!(plain.kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(!plain.text.contains(&gtxid), "an id is never a label");
}

#[tokio::test]
async fn a_service_that_counts_nothing_says_so() {
    let service = support::service("quiet", "telemetry.metrics.enabled = false");
    let quiet = service.routes(axum::Router::new()).start().unwrap();
    let url = format!("http://{}/metrics", quiet.admin_addr().unwrap());
    let answer = Http::new().get(url).await;
    assert_eq!(answer.status, 404);
    let told = answer.text.contains("telemetry.metrics.enabled");
    assert!(told, "{}", answer.text);
}

#[tokio::test]
async fn a_policys_own_breaker_is_shown_without_an_endpoint() {
    let service = support::service("greeter", "");
    let policy =
        Policy::builder("stock-file").breaker(Breaker::seeded(BreakerConfig::default(), 1));
    let policy = service
        .policies()
        .register(policy.build().unwrap())
        .unwrap();
    policy.breaker().unwrap().force_open(msa_core::clock::now());
    let greeter = service.routes(axum::Router::new()).start().unwrap();
    let scraped = scrape(&greeter).await;
    for (state, value) in [("forced_open", 1.0), ("closed", 0.0)] {
        let series = format!("msa_breaker_state{{service=\"stock-file\",state=\"{state}\"}}");
        assert_eq!(scraped.value(&series), Some(value), "{}", scraped.text);
    }
}
