//! Policy decisions as events of the span around them.

use std::time::Duration;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue, StringValue, Value};

use crate::clock::{self, Instant};
use crate::event::{Event, Observer};

/// Adds what the policies decide to the span that is current: that of the call, else of the request, else of the program's own.
///
/// What has a span of its own, or is an attribute of one, is left out: picks, and ends of attempts and calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpanEvents;

impl Observer for SpanEvents {
    fn on_event(&self, event: &Event<'_>) {
        self.on_event_at(event, clock::now());
    }

    fn on_event_at(&self, event: &Event<'_>, now: Instant) {
        Context::map_current(|context| {
            // Nearly all requests are not sampled, and then there is no span.
            if !context.has_active_span() {
                return;
            }
            let span = context.span();
            if !span.is_recording() {
                return;
            }
            if let Some((name, attributes)) = told(event) {
                span.add_event_with_timestamp(name, clock::system_at(now), attributes);
            }
        });
    }
}

fn told(event: &Event<'_>) -> Option<(&'static str, Vec<KeyValue>)> {
    let told = match *event {
        Event::Retried {
            service,
            attempt,
            reason,
            delay,
            dark,
        } => (
            "msa.retried",
            vec![
                text("msa.upstream", service),
                number("msa.attempt", attempt),
                text("msa.reason", reason),
                ms("msa.delay_ms", delay),
                flag("msa.dark", dark),
            ],
        ),
        Event::RetryRefused {
            service,
            attempt,
            why,
        } => (
            "msa.retry_refused",
            vec![
                text("msa.upstream", service),
                number("msa.attempt", attempt),
                text("msa.reason", why.as_str()),
            ],
        ),
        Event::Hedged {
            service,
            attempt,
            after,
            dark,
        } => (
            "msa.hedged",
            vec![
                text("msa.upstream", service),
                number("msa.attempt", attempt),
                ms("msa.after_ms", after),
                flag("msa.dark", dark),
            ],
        ),
        Event::BreakerChanged {
            service,
            endpoint,
            from,
            to,
            reason,
            dark,
        } => (
            "msa.breaker_changed",
            vec![
                text("msa.upstream", service),
                text("msa.endpoint", endpoint),
                text("msa.from", from),
                text("msa.to", to),
                text("msa.reason", reason),
                flag("msa.dark", dark),
            ],
        ),
        Event::Refused {
            service,
            policy,
            dark,
        } => (
            "msa.refused",
            vec![
                text("msa.upstream", service),
                text("msa.policy", policy),
                flag("msa.dark", dark),
            ],
        ),
        Event::TimedOut {
            service,
            limit,
            after,
        } => (
            "msa.timed_out",
            vec![
                text("msa.upstream", service),
                text("msa.limit", limit),
                ms("msa.after_ms", after),
            ],
        ),
        Event::FellBack {
            service,
            how,
            reason,
        } => (
            "msa.fell_back",
            vec![
                text("msa.upstream", service),
                text("msa.how", how),
                text("msa.reason", reason),
            ],
        ),
        Event::Coalesced { service } => ("msa.coalesced", vec![text("msa.upstream", service)]),
        Event::CacheHit { service } => ("msa.cache_hit", vec![text("msa.upstream", service)]),
        Event::Ejected {
            service,
            endpoint,
            reason,
            time,
            dark,
        } => (
            "msa.ejected",
            vec![
                text("msa.upstream", service),
                text("msa.endpoint", endpoint),
                text("msa.reason", reason),
                ms("msa.for_ms", time),
                flag("msa.dark", dark),
            ],
        ),
        Event::Draining { service, endpoint } => (
            "msa.draining",
            vec![
                text("msa.upstream", service),
                text("msa.endpoint", endpoint),
            ],
        ),
        Event::Shed {
            criticality,
            reason,
            dark,
        } => (
            "msa.shed",
            vec![
                text("msa.criticality", criticality),
                text("msa.reason", reason),
                flag("msa.dark", dark),
            ],
        ),
        Event::FaultInjected { service, fault } => (
            "msa.fault_injected",
            vec![text("msa.upstream", service), text("msa.fault", fault)],
        ),
        Event::LoopRefused { .. } => ("msa.loop_refused", Vec::new()),
        Event::HeaderRejected { header } => {
            ("msa.header_rejected", vec![text("msa.header", header)])
        }
        _ => return None,
    };
    Some(told)
}

fn text(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, StringValue::from(value.to_owned()))
}

fn number(key: &'static str, value: u32) -> KeyValue {
    KeyValue::new(key, i64::from(value))
}

fn flag(key: &'static str, value: bool) -> KeyValue {
    KeyValue::new(key, Value::Bool(value))
}

fn ms(key: &'static str, value: Duration) -> KeyValue {
    KeyValue::new(key, value.as_secs_f64() * 1000.0)
}
