//! What was counted, written.

use std::sync::atomic::Ordering;

use super::super::Metrics;
use super::super::catalog::*;
use super::super::exposition::Exposition;
use super::super::few::Few;
use super::super::value::{Counter, Recorded as _};
use super::Service;
use crate::clock::{self, Instant};

/// Labels beside the service, and how often.
type Counted<'a> = (Vec<&'a str>, u64);

impl Metrics {
    pub(in super::super) fn show_policies(&self, now: Instant, out: &mut Exposition) {
        self.show_calls(out);
        self.show_endpoints(out);
        let services = self.0.services.all();
        let mut many = |metric, of: &dyn Fn(&Service) -> Vec<Counted<'_>>| {
            let mut family = out.family(metric);
            for series in &services {
                let [service] = series.labels();
                for (labels, count) in of(&series.value) {
                    let labels: Vec<_> = [service].into_iter().chain(labels).collect();
                    family.counter(&labels, count);
                }
            }
        };
        many(&RETRIES, &|service| listed(&service.retries));
        many(&RETRY_REFUSALS, &|service| listed(&service.retry_refusals));
        many(&HEDGES, &|service| listed(&service.hedges));
        many(&BREAKER_TRANSITIONS, &|service| {
            listed(&service.transitions)
        });
        many(&REFUSALS, &|service| listed(&service.refusals));
        many(&TIMEOUTS, &|service| listed(&service.timeouts));
        many(&FALLBACKS, &|service| listed(&service.fallbacks));
        many(&COALESCED, &|service| single(&service.coalesced));
        many(&CACHE_HITS, &|service| single(&service.cache_hits));
        many(&FAULTS, &|service| listed(&service.faults));
        many(&EJECTIONS, &|service| listed(&service.ejections));
        many(&RETURNS, &|service| single(&service.returns));
        many(&DRAINS, &|service| single(&service.drains));
        many(&PANICS, &|service| single(&service.panics));
        let own = &self.0.own;
        for (metric, counts) in [
            (&SHEDS, listed(&own.sheds)),
            (&HEADER_REJECTIONS, listed(&own.headers)),
            (&CONFIG_RELOADS, listed(&own.reloads)),
        ] {
            let mut family = out.family(metric);
            for (labels, count) in counts {
                family.counter(&labels, count);
            }
        }
        out.family(&LOOPS).counter(&[], own.loops.get());
        self.show_discovery(now, out);
    }

    fn show_calls(&self, out: &mut Exposition) {
        let services = self.0.services.all();
        let mut family = out.family(&CALL_DURATION);
        for series in &services {
            let [service] = series.labels();
            for ([outcome], calls) in series.value.calls.all() {
                family.histogram(&[service, outcome], &calls.0);
            }
        }
        let mut family = out.family(&CALL_ATTEMPTS);
        for series in services
            .iter()
            .filter(|series| !series.value.attempts.is_empty())
        {
            family.counter(&series.labels(), series.value.attempts.get());
        }
    }

    fn show_endpoints(&self, out: &mut Exposition) {
        let endpoints = self.0.endpoints.all();
        let mut family = out.family(&PICKS);
        for series in &endpoints {
            family.counter(&series.labels(), series.value.picks.get());
        }
        let mut family = out.family(&ATTEMPTS);
        for series in &endpoints {
            let [service, endpoint] = series.labels();
            for ([outcome], count) in series.value.outcomes.all() {
                family.counter(&[service, endpoint, outcome], count.get());
            }
        }
        let mut family = out.family(&ATTEMPT_DURATION);
        for series in &endpoints {
            // Casts: as in a histogram's sum
            let took = series.value.took.get() as f64 / 1e9;
            family.summary(&series.labels(), took, series.value.ended.get());
        }
    }

    // Casts: endpoints, and milliseconds
    fn show_discovery(&self, now: Instant, out: &mut Exposition) {
        let discovered = self.0.discovered.all();
        let known = || {
            let known = discovered.iter();
            known.filter(|series| !series.value.changes.is_empty())
        };
        let mut family = out.family(&DISCOVERY_ENDPOINTS);
        for series in known() {
            family.gauge(&series.labels(), series.value.endpoints.get() as f64);
        }
        let mut family = out.family(&DISCOVERY_CHANGES);
        for series in known() {
            family.counter(&series.labels(), series.value.changes.get());
        }
        let now = clock::unix_ms_at(now);
        let mut family = out.family(&DISCOVERY_AGE);
        for series in known() {
            let changed = series.value.changed.load(Ordering::Relaxed);
            family.gauge(&series.labels(), now.saturating_sub(changed) as f64 / 1e3);
        }
        let mut family = out.family(&DISCOVERY_FAILURES);
        for series in &discovered {
            if !series.value.failures.is_empty() {
                family.counter(&series.labels(), series.value.failures.get());
            }
        }
    }
}

fn listed<const N: usize, const M: usize>(few: &Few<N, Counter, M>) -> Vec<Counted<'_>> {
    let all = few.all().into_iter();
    all.map(|(labels, count)| (labels.to_vec(), count.get()))
        .collect()
}

fn single(counter: &Counter) -> Vec<Counted<'_>> {
    let counted = (!counter.is_empty()).then(|| (Vec::new(), counter.get()));
    counted.into_iter().collect()
}
