//! The configuration overrides what attributes say, while the function runs.

use std::fs;
use std::future::pending;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use msa_core::config::{Config, Loader};
use msa_core::prelude::*;
use msa_core::resilience::policy::Policies;
use msa_core::service::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LOOPBACK: &str = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\n\
                        server.drain = { lag = '0s', deadline = '100ms', flush = '1s' }\n";

fn config(toml: &str) -> Config {
    let loader = Loader::new("svc").env([("", ""); 0]);
    let toml = format!("{LOOPBACK}{toml}");
    loader.toml_str("msa.toml", toml).load().unwrap()
}

/// The registry that a service with this configuration has.
fn policies(toml: &str) -> Policies {
    let service = Service::builder("svc").with_config(config(toml)).unwrap();
    service.policies().clone()
}

#[derive(Default)]
struct Calls(AtomicU32);

#[retry(max = 1, backoff = "1ms")]
#[fallback(value = 0)]
#[circuit_breaker(consecutive = 50)]
async fn stock(calls: &Calls) -> Result<u32, Problem> {
    calls.0.fetch_add(1, Ordering::Relaxed);
    Err(StatusCode::SERVICE_UNAVAILABLE.into())
}

async fn tries(policies: &Policies) -> u32 {
    let calls = Calls::default();
    policies.scope(stock(&calls)).await.unwrap();
    calls.0.load(Ordering::Relaxed)
}

#[tokio::test]
async fn each_part_is_overridden_by_the_functions_key() {
    assert_eq!(tries(&policies("")).await, 2);
    let key = "policies.'macros::live::stock'";
    let set = |line: &str| policies(&format!("{key}.{line}\n"));
    assert_eq!(tries(&set("retry.max_retries = 4")).await, 5);
    assert_eq!(tries(&set("retry.max_retries = 0")).await, 1);
    assert_eq!(tries(&set("breaker.consecutive_failures = 1")).await, 1);

    let calls = Calls::default();
    let without = set("fallback.enabled = false");
    let failed = without.scope(stock(&calls)).await.unwrap_err();
    assert_eq!(failed.status(), 503);
}

#[tokio::test]
async fn a_policy_that_is_not_enabled_is_not_there() {
    let off = policies("policies.'macros::live::stock'.enabled = false\n");
    let calls = Calls::default();
    let failed = off.scope(stock(&calls)).await.unwrap_err();
    assert_eq!(failed.status(), 503, "no fallback");
    assert_eq!(calls.0.load(Ordering::Relaxed), 1, "no retry");
}

#[timeout("10s", name = "named-by-hand")]
#[bulkhead(2)]
async fn named() -> Result<(), Problem> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_name_of_ones_own_is_the_key() {
    let policies = policies("policies.named-by-hand.timeout = '5ms'\n");
    let began = msa_core::clock::now();
    policies.scope(named()).await.unwrap_err();
    assert_eq!(msa_core::clock::since(began).as_millis(), 5);
}

#[tokio::test]
async fn what_does_nothing_is_told_with_the_nearest_name() {
    let policies = policies(
        "policies.'macros::live::stok'.retry.max_retries = 4\n\
         policies.named-by-hand = { retry.max_retries = 1, cached.ttl = '1s', fallback.stale_for = '1s' }\n",
    );
    let told = policies.warnings();
    let has = |part: &str| told.iter().any(|line| line.contains(part));
    assert!(has("did you mean `macros::live::stock`?"), "{told:#?}");
    assert!(has("no `#[retry]`"), "{told:#?}");
    assert!(has("no `#[cached]`"), "{told:#?}");
    assert!(has("no `#[fallback(stale = ...)]`"), "{told:#?}");
    assert_eq!(told.len(), 4);
}

#[tokio::test]
async fn two_services_share_no_breaker() {
    let touchy = "policies.'macros::live::stock' = { breaker.consecutive_failures = 1, retry.max_retries = 0 }\n";
    let (one, two) = (policies(touchy), policies(touchy));
    assert_eq!((tries(&one).await, tries(&one).await), (1, 0));
    assert_eq!(tries(&two).await, 1);
    assert!(tries(&Policies::new()).await > 0);
}

/// A service whose handler tells how often the function tried, and its configuration's file.
fn serve(dir: &Path, toml: &str) -> (Running, Config) {
    fs::write(dir.join("msa.toml"), format!("{LOOPBACK}{toml}")).unwrap();
    let loader = Loader::new("svc").env([("", ""); 0]).dir(dir);
    let config = loader.load().unwrap();
    let service = Service::builder("svc").with_config(config.clone()).unwrap();
    let told = async || {
        let calls = Calls::default();
        stock(&calls).await.unwrap();
        calls.0.load(Ordering::Relaxed).to_string()
    };
    let router = Router::new().route("/tries", get(told));
    (service.routes(router).start().unwrap(), config)
}

#[tokio::test]
async fn editing_the_file_changes_the_running_function() {
    let dir = tempfile::tempdir().unwrap();
    let key = "policies.'macros::live::stock'";
    let (running, config) = serve(dir.path(), &format!("{key}.retry.max_retries = 2\n"));
    let tries = async || {
        let mut stream = TcpStream::connect(running.addr()).await.unwrap();
        let request = b"GET /tries HTTP/1.1\r\nhost: svc\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.rsplit_once('\n').unwrap().1.to_owned()
    };
    assert_eq!(tries().await, "3");
    for (line, expected) in [
        (format!("{key}.retry.max_retries = 0\n"), "1"),
        (format!("{key}.retry.max_retries = 4\n"), "5"),
        (String::new(), "2"),
    ] {
        fs::write(dir.path().join("msa.toml"), format!("{LOOPBACK}{line}")).unwrap();
        config.reload().unwrap();
        // The new settings are handed on by a task of the service.
        while tries().await != expected {
            tokio::task::yield_now().await;
        }
    }
    running.stop();
    running.finished().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ages_of_kept_answers_are_overridden_too() {
    #[cached(ttl = "30s", key = ())]
    #[fallback(stale = "60s", key = ())]
    async fn rates(calls: &Calls) -> Result<u32, Problem> {
        match calls.0.fetch_add(1, Ordering::Relaxed) + 1 {
            1 => Ok(1),
            _ => Err(StatusCode::SERVICE_UNAVAILABLE.into()),
        }
    }
    async fn kept_for(toml: &str) -> (u64, u64) {
        let policies = policies(toml);
        let calls = Calls::default();
        policies.scope(rates(&calls)).await.unwrap();
        let (mut fresh, mut seconds) = (0, 0);
        loop {
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
            seconds += 1;
            let answer = policies.scope(rates(&calls)).await;
            if calls.0.load(Ordering::Relaxed) == 1 {
                fresh = seconds;
            }
            if answer.is_err() {
                return (fresh, seconds - 1);
            }
        }
    }
    let set = |sections: &str| format!("policies.'macros::live::rates' = {{ {sections} }}\n");
    assert_eq!(kept_for("").await, (29, 60));
    let shorter = set("cached.ttl = '5s', fallback.stale_for = '8s'");
    assert_eq!(kept_for(&shorter).await, (4, 8));
    let off = set("cached.enabled = false, fallback.enabled = false");
    assert_eq!(kept_for(&off).await, (0, 0));
}
