use std::collections::BTreeSet;
use std::time::Duration;

use super::super::Format;
use super::*;
use crate::config::MetricsSettings;
use crate::event::{Outcome, RetryRefusal};

const SERVICE: &str = "stock";
const ENDPOINT: &str = "10.0.0.1:80";
const TIME: Duration = Duration::from_millis(20);

fn metrics(max_endpoints: u32) -> Metrics {
    let settings = MetricsSettings {
        max_endpoints,
        ..MetricsSettings::default()
    };
    Metrics::new(&settings, clock::now())
}

fn lines(metrics: &Metrics) -> BTreeSet<String> {
    let text = metrics.render(Format::Text, clock::now());
    text.lines().map(str::to_owned).collect()
}

fn picked(service: &'static str, endpoint: &str) -> impl Fn(&Metrics) {
    let endpoint = endpoint.to_owned();
    move |metrics| {
        metrics.on_event(&Event::Picked {
            service,
            endpoint: &endpoint,
            attempt: 1,
        });
    }
}

#[test]
fn every_decision_is_a_number_with_its_reason() {
    let told = [
        (
            Event::Retried {
                service: SERVICE,
                attempt: 2,
                reason: "503",
                delay: TIME,
                dark: true,
            },
            "msa_retries_total{service=\"stock\",reason=\"503\",dark=\"true\"} 1",
        ),
        (
            Event::RetryRefused {
                service: SERVICE,
                attempt: 2,
                why: RetryRefusal::Budget,
            },
            "msa_retry_refusals_total{service=\"stock\",reason=\"budget\"} 1",
        ),
        (
            Event::Hedged {
                service: SERVICE,
                attempt: 2,
                after: TIME,
                dark: false,
            },
            "msa_hedges_total{service=\"stock\",dark=\"false\"} 1",
        ),
        (
            Event::BreakerChanged {
                service: SERVICE,
                endpoint: ENDPOINT,
                from: "closed",
                to: "open",
                reason: "failure_rate",
                dark: false,
            },
            "msa_breaker_transitions_total{service=\"stock\",from=\"closed\",to=\"open\",reason=\"failure_rate\",dark=\"false\"} 1",
        ),
        (
            Event::Refused {
                service: SERVICE,
                policy: "bulkhead",
                dark: false,
            },
            "msa_refusals_total{service=\"stock\",policy=\"bulkhead\",dark=\"false\"} 1",
        ),
        (
            Event::TimedOut {
                service: SERVICE,
                limit: "attempt",
                after: TIME,
            },
            "msa_timeouts_total{service=\"stock\",limit=\"attempt\"} 1",
        ),
        (
            Event::FellBack {
                service: SERVICE,
                how: "stale",
                reason: "503",
            },
            "msa_fallbacks_total{service=\"stock\",how=\"stale\",reason=\"503\"} 1",
        ),
        (
            Event::Coalesced { service: SERVICE },
            "msa_coalesced_total{service=\"stock\"} 1",
        ),
        (
            Event::CacheHit { service: SERVICE },
            "msa_cache_hits_total{service=\"stock\"} 1",
        ),
        (
            Event::FaultInjected {
                service: "server",
                fault: "abort",
            },
            "msa_faults_total{service=\"server\",fault=\"abort\"} 1",
        ),
        (
            Event::Ejected {
                service: SERVICE,
                endpoint: ENDPOINT,
                reason: "success_rate",
                time: TIME,
                dark: false,
            },
            "msa_ejections_total{service=\"stock\",reason=\"success_rate\",dark=\"false\"} 1",
        ),
        (
            Event::Returned {
                service: SERVICE,
                endpoint: ENDPOINT,
            },
            "msa_returns_total{service=\"stock\"} 1",
        ),
        (
            Event::Draining {
                service: SERVICE,
                endpoint: ENDPOINT,
            },
            "msa_drains_total{service=\"stock\"} 1",
        ),
        (
            Event::Panicked {
                service: SERVICE,
                on: true,
            },
            "msa_panics_total{service=\"stock\"} 1",
        ),
        (
            Event::Shed {
                criticality: "sheddable",
                reason: "limit",
                dark: false,
            },
            "msa_sheds_total{criticality=\"sheddable\",reason=\"limit\",dark=\"false\"} 1",
        ),
        (Event::LoopRefused { ltxid: 33 }, "msa_loops_total 1"),
        (
            Event::HeaderRejected { header: "x-gtxid" },
            "msa_header_rejections_total{header=\"x-gtxid\"} 1",
        ),
        (
            Event::EndpointsChanged {
                service: SERVICE,
                endpoints: 3,
            },
            "msa_discovery_endpoints{service=\"stock\"} 3",
        ),
        (
            Event::DiscoveryFailed {
                service: "*",
                reason: "gone",
            },
            "msa_discovery_failures_total{service=\"*\"} 1",
        ),
        (
            Event::ConfigReloaded { accepted: false },
            "msa_config_reloads_total{accepted=\"false\"} 1",
        ),
        (
            Event::CallEnded {
                service: SERVICE,
                attempts: 2,
                outcome: Outcome::Failed("connect"),
                elapsed: TIME,
            },
            "msa_call_duration_seconds_sum{service=\"stock\",outcome=\"connect\"} 0.02",
        ),
    ];
    for (event, line) in told {
        let metrics = metrics(10);
        assert!(!lines(&metrics).contains(line), "{line}");
        metrics.on_event(&event);
        let lines = lines(&metrics);
        assert!(lines.contains(line), "{line}\n{lines:#?}");
    }
}

#[test]
fn the_end_of_a_panic_is_no_panic_and_a_cancelled_attempt_has_no_time() {
    let metrics = metrics(10);
    metrics.on_event(&Event::Panicked {
        service: SERVICE,
        on: false,
    });
    for outcome in [Outcome::Cancelled, Outcome::Status(200)] {
        metrics.on_event(&Event::AttemptEnded {
            service: SERVICE,
            endpoint: ENDPOINT,
            attempt: 1,
            method: "PURGE",
            outcome,
            elapsed: TIME,
        });
    }
    let lines = lines(&metrics);
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("msa_panics_total"))
    );
    let labels = "service=\"stock\",endpoint=\"10.0.0.1:80\"";
    for line in [
        format!("msa_attempt_duration_seconds_count{{{labels}}} 1"),
        format!("msa_attempts_total{{{labels},outcome=\"cancelled\"}} 1"),
        "http_client_request_duration_seconds_count{http_request_method=\"_OTHER\",server_address=\"stock\",error_type=\"cancelled\"} 1".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line}\n{lines:#?}");
    }
}

#[test]
fn endpoints_beyond_the_bound_are_counted_together() {
    let metrics = metrics(2);
    for number in 0..100 {
        picked(SERVICE, &format!("10.0.0.{number}:80"))(&metrics);
    }
    let lines = lines(&metrics);
    let picks = lines
        .iter()
        .filter(|line| line.starts_with("msa_picks_total{"));
    assert_eq!(picks.count(), 3);
    let rest = "msa_picks_total{service=\"stock\",endpoint=\"_overflow\"} 98";
    assert!(lines.contains(rest), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_is_shown_for_ten_minutes_and_one_that_came_back_for_good() {
    let metrics = metrics(10);
    for endpoint in ["gone", "stays", "comes back"] {
        picked(SERVICE, endpoint)(&metrics);
    }
    let forget = |there: &[&str]| {
        let is_there = |_: &str, endpoint: &str| there.contains(&endpoint);
        metrics.forget_gone(is_there, clock::now());
        let series = metrics.0.endpoints.all();
        let name = |one: &std::sync::Arc<super::super::table::Series<2, Endpoint>>| {
            one.labels()[1].to_owned()
        };
        series.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let all = "comes back, gone, stays";
    assert_eq!(forget(&["stays"]), all);
    tokio::time::advance(Duration::from_secs(599)).await;
    assert_eq!(forget(&["stays", "comes back"]), all);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(forget(&["stays"]), "comes back, stays");
}
