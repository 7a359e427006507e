//! `/hystrix.stream`: the breakers of called services in the form that the Hystrix Dashboard reads.
//!
//! Each service is one command and one thread pool (its bulkhead), told every 500 ms as server-sent events. The fields are those that
//! the dashboard asserts, `hystrixCommand.js` and `hystrixThreadPool.js` of Netflix/Hystrix, and those of its servlet. At most five may
//! watch at once, as with Hystrix; one more gets 503.

mod stats;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::MissedTickBehavior;

pub(crate) use self::stats::HystrixStats;
use self::stats::{Rolled, WINDOW};
use super::Shown;
use crate::clock::{self, Instant};
use crate::config::ClientSettings;
use crate::problem::{Problem, Query};

/// What the dashboard asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Milliseconds between two reports: 500 unless set, 100 to 10000.
    delay: Option<u64>,
}

/// The stream.
pub(super) async fn stream(State(shown): State<Shown>, Query(asked): Query<Asked>) -> Response {
    let Some(watching) = shown.hystrix.watch() else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .detail("five watch already: close one of the dashboards, or put Turbine between")
            .retry_after(Duration::from_secs(5))
            .into_response();
    };
    let every = Duration::from_millis(asked.delay.unwrap_or(500).clamp(100, 10_000));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reports = stream::unfold(
        (ticks, shown, watching),
        async |(mut ticks, shown, watching)| {
            ticks.tick().await;
            let report = Bytes::from(report(&shown, clock::now()));
            Some((Ok::<_, Infallible>(report), (ticks, shown, watching)))
        },
    );
    let mut response = Body::from_stream(reports).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream;charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, kind);
    let fresh = HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate");
    headers.insert(header::CACHE_CONTROL, fresh);
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// All services at this time; a ping while there are none, so that a reader sees that we live.
fn report(shown: &Shown, now: Instant) -> String {
    let circuits = shown.client.circuits(now);
    let limits = shown.client.limits(now);
    let settings = shown.config.settings();
    let mut text = String::from("ping: \n\n");
    for limits in &limits {
        let mut own = circuits
            .iter()
            .filter(|circuit| *circuit.service == limits.service);
        let breakers = own.clone().any(|circuit| circuit.enabled);
        let open = breakers && own.all(|circuit| !circuit.breaker.would_admit(now));
        let seen = Seen {
            service: &limits.service,
            open,
            rolled: shown.hystrix.rolled(&limits.service, now),
            settings: settings.client(&limits.service),
            running: limits
                .bulkhead
                .as_ref()
                .map_or(0, |bulkhead| bulkhead.running),
            waiting: limits
                .bulkhead
                .as_ref()
                .map_or(0, |bulkhead| bulkhead.waiting),
            now: clock::unix_ms_at(now),
        };
        for event in [command(&seen), pool(&seen)] {
            text.push_str(&format!("data: {event}\n\n"));
        }
    }
    text
}

struct Seen<'s> {
    service: &'s str,
    open: bool,
    rolled: Rolled,
    settings: ClientSettings,
    running: u32,
    waiting: u32,
    now: u64,
}

/// A service as a Hystrix command.
fn command(seen: &Seen<'_>) -> Value {
    let mut command = results(seen);
    if let (Some(command), Value::Object(properties)) =
        (command.as_object_mut(), properties(&seen.settings))
    {
        command.extend(properties);
    }
    command
}

/// How it is configured.
fn properties(settings: &ClientSettings) -> Value {
    json!({
        "propertyValue_circuitBreakerRequestVolumeThreshold": settings.breaker.min_calls,
        "propertyValue_circuitBreakerSleepWindowInMilliseconds": millis(settings.breaker.open.get()),
        "propertyValue_circuitBreakerErrorThresholdPercentage": (settings.breaker.failure_rate.fraction() * 100.0).round(),
        "propertyValue_circuitBreakerForceOpen": false,
        "propertyValue_circuitBreakerForceClosed": settings.breaker.dark,
        "propertyValue_circuitBreakerEnabled": settings.breaker.enabled,
        "propertyValue_executionIsolationStrategy": "SEMAPHORE",
        "propertyValue_executionIsolationThreadTimeoutInMilliseconds": millis(settings.timeout.get()),
        "propertyValue_executionTimeoutInMilliseconds": millis(settings.timeout.get()),
        "propertyValue_executionIsolationThreadInterruptOnTimeout": true,
        "propertyValue_executionIsolationThreadPoolKeyOverride": null,
        "propertyValue_executionIsolationSemaphoreMaxConcurrentRequests": settings.bulkhead.max_concurrent,
        "propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests": settings.bulkhead.max_concurrent,
        "propertyValue_metricsRollingStatisticalWindowInMilliseconds": millis(WINDOW),
        "propertyValue_requestCacheEnabled": settings.coalesce,
        "propertyValue_requestLogEnabled": true
    })
}

/// What came of its calls.
fn results(seen: &Seen<'_>) -> Value {
    let counts = &seen.rolled.counts;
    let (requests, errors) = (counts.requests(), counts.errors());
    json!({
        "type": "HystrixCommand",
        "name": seen.service,
        "group": seen.service,
        "currentTime": seen.now,
        "isCircuitBreakerOpen": seen.open,
        "errorPercentage": (errors * 100).checked_div(requests).unwrap_or(0),
        "errorCount": errors,
        "requestCount": requests,
        "rollingCountBadRequests": counts.bad_request,
        "rollingCountCollapsedRequests": counts.collapsed,
        "rollingCountEmit": 0,
        "rollingCountExceptionsThrown": errors.saturating_sub(counts.fallback),
        "rollingCountFailure": counts.failure,
        "rollingCountFallbackEmit": 0,
        "rollingCountFallbackFailure": 0,
        "rollingCountFallbackMissing": 0,
        "rollingCountFallbackRejection": 0,
        "rollingCountFallbackSuccess": counts.fallback,
        "rollingCountResponsesFromCache": 0,
        "rollingCountSemaphoreRejected": counts.rejected,
        "rollingCountShortCircuited": counts.short_circuited,
        "rollingCountSuccess": counts.success,
        "rollingCountThreadPoolRejected": 0,
        "rollingCountTimeout": counts.timeout,
        "currentConcurrentExecutionCount": seen.running,
        "rollingMaxConcurrentExecutionCount": seen.running,
        "latencyExecute_mean": mean(&seen.rolled.execute),
        "latencyExecute": percentiles(&seen.rolled.execute),
        "latencyTotal_mean": mean(&seen.rolled.total),
        "latencyTotal": percentiles(&seen.rolled.total),
        "reportingHosts": 1,
        "threadPool": seen.service,
    })
}

/// Its bulkhead as a Hystrix thread pool.
fn pool(seen: &Seen<'_>) -> Value {
    let (settings, counts) = (&seen.settings, &seen.rolled.counts);
    let size = settings.bulkhead.max_concurrent;
    json!({
        "type": "HystrixThreadPool",
        "name": seen.service,
        "currentTime": seen.now,
        "currentActiveCount": seen.running,
        "currentCompletedTaskCount": counts.requests(),
        "currentCorePoolSize": size,
        "currentLargestPoolSize": size,
        "currentMaximumPoolSize": size,
        "currentPoolSize": size,
        "currentQueueSize": seen.waiting,
        "currentTaskCount": counts.requests(),
        "rollingCountThreadsExecuted": counts.requests(),
        "rollingMaxActiveThreads": seen.running,
        "rollingCountCommandRejections": counts.rejected,
        "propertyValue_queueSizeRejectionThreshold": settings.bulkhead.max_queue,
        "propertyValue_metricsRollingStatisticalWindowInMilliseconds": millis(WINDOW),
        "reportingHosts": 1,
    })
}

fn percentiles(sorted: &[u32]) -> Value {
    const NAMES: [(&str, usize); 9] = [
        ("0", 0),
        ("25", 250),
        ("50", 500),
        ("75", 750),
        ("90", 900),
        ("95", 950),
        ("99", 990),
        ("99.5", 995),
        ("100", 1000),
    ];
    let each = NAMES.iter().map(|(name, permille)| {
        let last = sorted.len().saturating_sub(1);
        let ms = sorted.get((last * permille).div_ceil(1000)).copied();
        ((*name).to_owned(), ms.unwrap_or(0).into())
    });
    Value::Object(each.collect::<Map<_, _>>())
}

fn mean(times: &[u32]) -> u64 {
    let sum: u64 = times.iter().map(|ms| u64::from(*ms)).sum();
    sum.checked_div(times.len() as u64).unwrap_or(0)
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `validateData` of the dashboard's `hystrixCommand.js` asserts: anything missing, and the circuit is not shown.
    const COMMAND: [&str; 40] = [
        "reportingHosts",
        "type",
        "name",
        "group",
        "isCircuitBreakerOpen",
        "errorPercentage",
        "errorCount",
        "requestCount",
        "rollingCountCollapsedRequests",
        "rollingCountExceptionsThrown",
        "rollingCountFailure",
        "rollingCountFallbackFailure",
        "rollingCountFallbackRejection",
        "rollingCountFallbackSuccess",
        "rollingCountResponsesFromCache",
        "rollingCountSemaphoreRejected",
        "rollingCountShortCircuited",
        "rollingCountSuccess",
        "rollingCountThreadPoolRejected",
        "rollingCountTimeout",
        "rollingCountBadRequests",
        "currentConcurrentExecutionCount",
        "latencyExecute_mean",
        "latencyExecute",
        "latencyTotal_mean",
        "latencyTotal",
        "propertyValue_circuitBreakerRequestVolumeThreshold",
        "propertyValue_circuitBreakerSleepWindowInMilliseconds",
        "propertyValue_circuitBreakerErrorThresholdPercentage",
        "propertyValue_circuitBreakerForceOpen",
        "propertyValue_circuitBreakerForceClosed",
        "propertyValue_circuitBreakerEnabled",
        "propertyValue_executionIsolationStrategy",
        "propertyValue_executionIsolationThreadTimeoutInMilliseconds",
        "propertyValue_executionIsolationThreadInterruptOnTimeout",
        "propertyValue_executionIsolationSemaphoreMaxConcurrentRequests",
        "propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests",
        "propertyValue_requestCacheEnabled",
        "propertyValue_requestLogEnabled",
        "propertyValue_metricsRollingStatisticalWindowInMilliseconds",
    ];

    #[test]
    fn a_command_has_every_field_that_the_dashboard_asserts() {
        let seen = Seen {
            service: "stock",
            open: true,
            rolled: Rolled::default(),
            settings: ClientSettings::default(),
            running: 3,
            waiting: 0,
            now: 1,
        };
        let command = command(&seen);
        for field in COMMAND {
            assert!(!command[field].is_null(), "{field}");
        }
        assert_eq!(
            command["propertyValue_circuitBreakerErrorThresholdPercentage"],
            50.0
        );
        assert_eq!(command["latencyExecute"]["99.5"], 0);
        let pool = pool(&seen);
        assert_eq!(
            (&pool["type"], &pool["currentActiveCount"]),
            (&json!("HystrixThreadPool"), &json!(3))
        );
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let times: Vec<u32> = (1..=101).collect();
        let percentiles = percentiles(&times);
        for (name, ms) in [
            ("0", 1),
            ("50", 51),
            ("90", 91),
            ("99.5", 101),
            ("100", 101),
        ] {
            assert_eq!(percentiles[name], ms, "{name}");
        }
        assert_eq!(mean(&times), 51);
    }
}
