//! What was counted of calls, as numbers for the admin page.

use std::collections::HashMap;

use serde::Serialize;

use super::super::Metrics;
use super::super::few::Few;
use super::super::http::{CANCELLED, add};
use super::super::value::Counter;
use super::Service;

/// The calls to one service since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct CallCounts {
    /// Calls by the time they took, by the bounds of [`Metrics::bounds_ms`].
    pub(crate) took: Vec<u64>,
    /// Those by what came of them: a status, an error's kind, or `cancelled`.
    pub(crate) outcomes: Vec<(String, u64)>,
    pub(crate) attempts: u64,
    pub(crate) retries: u64,
    pub(crate) hedges: u64,
    /// Calls refused before they were made.
    pub(crate) refused: u64,
    pub(crate) timeouts: u64,
    pub(crate) fallbacks: u64,
}

/// The attempts at one endpoint since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EndpointCounts {
    pub(crate) picks: u64,
    /// Those that ended with a status from 500 on, or with an error.
    pub(crate) failed: u64,
}

impl Metrics {
    /// Calls by service.
    pub(crate) fn calls(&self) -> HashMap<String, CallCounts> {
        let services = self.0.services.all();
        let each = services.iter().map(|series| {
            let [service] = series.labels();
            (service.to_owned(), calls(&series.value))
        });
        each.collect()
    }

    /// Attempts by service and endpoint.
    pub(crate) fn attempts(&self) -> HashMap<String, HashMap<String, EndpointCounts>> {
        let mut all: HashMap<String, HashMap<String, EndpointCounts>> = HashMap::new();
        for series in self.0.endpoints.all() {
            let [service, endpoint] = series.labels();
            let outcomes = series.value.outcomes.all();
            let failed = outcomes.iter().filter(|([outcome], _)| is_failure(outcome));
            let counts = EndpointCounts {
                picks: series.value.picks.get(),
                failed: failed.map(|(_, count)| count.get()).sum(),
            };
            let of = all.entry(service.to_owned()).or_default();
            of.insert(endpoint.to_owned(), counts);
        }
        all
    }

    /// Requests that were turned away to protect the server.
    pub(crate) fn sheds(&self) -> u64 {
        let sheds = self.0.own.sheds.all();
        let real = sheds.iter().filter(|([.., dark], _)| *dark != "true");
        real.map(|(_, count)| count.get()).sum()
    }
}

fn calls(service: &Service) -> CallCounts {
    let mut counts = CallCounts {
        attempts: service.attempts.get(),
        retries: undarkened(&service.retries),
        hedges: undarkened(&service.hedges),
        refused: undarkened(&service.refusals),
        timeouts: undarkened(&service.timeouts),
        fallbacks: undarkened(&service.fallbacks),
        ..CallCounts::default()
    };
    for ([outcome], calls) in service.calls.all() {
        let count = calls.0.buckets().sum();
        counts.outcomes.push((outcome.to_owned(), count));
        add(&mut counts.took, &calls.0);
    }
    counts
}

/// All of them but those that were only reported.
fn undarkened<const N: usize, const M: usize>(few: &Few<N, Counter, M>) -> u64 {
    let all = few.all();
    let real = all
        .iter()
        .filter(|(labels, _)| labels.last() != Some(&"true"));
    real.map(|(_, count)| count.get()).sum()
}

/// Whether it is a status from 500 on, or an error.
fn is_failure(outcome: &str) -> bool {
    match outcome.parse::<u16>() {
        Ok(status) => status >= 500,
        Err(_) => outcome != CANCELLED,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;
    use crate::config::MetricsSettings;
    use crate::event::{Event, Observer as _, Outcome};

    #[test]
    fn what_only_would_have_been_done_is_not_counted_and_who_went_away_has_not_failed() {
        let metrics = Metrics::new(&MetricsSettings::default(), clock::now());
        for dark in [false, true] {
            metrics.on_event(&Event::Refused {
                service: "stock",
                policy: "bulkhead",
                dark,
            });
            metrics.on_event(&Event::Shed {
                criticality: "default",
                reason: "limit",
                dark,
            });
        }
        let outcomes = [
            Outcome::Status(200),
            Outcome::Status(404),
            Outcome::Status(503),
            Outcome::Failed("connect"),
            Outcome::Cancelled,
        ];
        for outcome in outcomes {
            metrics.on_event(&Event::Picked {
                service: "stock",
                endpoint: "a:1",
                attempt: 1,
            });
            metrics.on_event(&Event::AttemptEnded {
                service: "stock",
                endpoint: "a:1",
                attempt: 1,
                method: "GET",
                outcome,
                elapsed: Duration::from_millis(7),
            });
            metrics.on_event(&Event::CallEnded {
                service: "stock",
                attempts: 1,
                outcome,
                elapsed: Duration::from_millis(7),
            });
        }
        let calls = &metrics.calls()["stock"];
        assert_eq!((calls.refused, calls.attempts, metrics.sheds()), (1, 5, 1));
        assert_eq!((calls.took[0], calls.took[1]), (0, 5));
        assert_eq!(calls.outcomes.len(), 5);
        let expected = EndpointCounts {
            picks: 5,
            failed: 2,
        };
        assert_eq!(metrics.attempts()["stock"]["a:1"], expected);
    }
}
