//! Policy events as log lines.

use std::time::Duration;

use crate::event::{Event, Observer};

/// Writes what the policies decide to the log, under the target `msa::policy`; a [`Service`](crate::service::Service) has
/// it by default.
///
/// What changes a state is told at `info`: a breaker's transition, an ejection and its end, a panic, a drain. What befalls
/// a single call is told at `debug`, since an outage has thousands of them: a retry or its refusal, a hedge, a fallback, a
/// refusal, a time limit, a shed request, an injected fault. `log.level = "info,msa::policy=debug"` shows both. Picks and
/// ends of attempts and calls are not written: the access log and the metrics tell of those.
///
/// The called service, or the policy's key, is the field `upstream`; times are milliseconds. A line that is written inside a
/// request carries its transaction, as every line does.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyLog;

/// One line, at the level of its kind.
macro_rules! line {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {
        tracing::$level!(target: "msa::policy", $($field = $value,)* $message)
    };
}

impl Observer for PolicyLog {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::BreakerChanged { .. }
            | Event::Ejected { .. }
            | Event::Returned { .. }
            | Event::Draining { .. }
            | Event::Panicked { .. } => state(event),
            Event::Picked { .. }
            | Event::AttemptEnded { .. }
            | Event::CallEnded { .. }
            | Event::Coalesced { .. }
            | Event::CacheHit { .. } => {}
            _ => call(event),
        }
    }
}

/// What changes a state.
fn state(event: &Event<'_>) {
    match *event {
        Event::BreakerChanged {
            service,
            endpoint,
            from,
            to,
            reason,
            dark,
        } => {
            line!(
                info,
                "breaker changed",
                upstream = service,
                endpoint = endpoint,
                from = from,
                to = to,
                reason = reason,
                dark = dark
            );
        }
        Event::Ejected {
            service,
            endpoint,
            reason,
            time,
            dark,
        } => {
            line!(
                info,
                "ejected",
                upstream = service,
                endpoint = endpoint,
                reason = reason,
                for_ms = ms(time),
                dark = dark
            );
        }
        Event::Returned { service, endpoint } => {
            line!(info, "returned", upstream = service, endpoint = endpoint);
        }
        Event::Draining { service, endpoint } => {
            line!(info, "draining", upstream = service, endpoint = endpoint);
        }
        Event::Panicked { service, on } => {
            line!(info, "panic mode", upstream = service, on = on);
        }
        _ => {}
    }
}

/// What befalls a single call or request.
fn call(event: &Event<'_>) {
    match *event {
        Event::Retried {
            service,
            attempt,
            reason,
            delay,
            dark,
        } => {
            line!(
                debug,
                "retried",
                upstream = service,
                attempt = attempt,
                reason = reason,
                delay_ms = ms(delay),
                dark = dark
            );
        }
        Event::RetryRefused {
            service,
            attempt,
            why,
        } => {
            line!(
                debug,
                "not retried",
                upstream = service,
                attempt = attempt,
                reason = why.as_str()
            );
        }
        Event::Hedged {
            service,
            attempt,
            after,
            dark,
        } => {
            line!(
                debug,
                "hedged",
                upstream = service,
                attempt = attempt,
                after_ms = ms(after),
                dark = dark
            );
        }
        Event::Refused {
            service,
            policy,
            dark,
        } => {
            line!(
                debug,
                "refused",
                upstream = service,
                policy = policy,
                dark = dark
            );
        }
        Event::TimedOut {
            service,
            limit,
            after,
        } => {
            line!(
                debug,
                "timed out",
                upstream = service,
                limit = limit,
                after_ms = ms(after)
            );
        }
        Event::FellBack {
            service,
            how,
            reason,
        } => {
            line!(
                debug,
                "fell back",
                upstream = service,
                how = how,
                reason = reason
            );
        }
        Event::Shed {
            criticality,
            reason,
            dark,
        } => {
            line!(
                debug,
                "shed",
                criticality = criticality,
                reason = reason,
                dark = dark
            );
        }
        Event::FaultInjected { service, fault } => {
            line!(debug, "fault injected", upstream = service, fault = fault);
        }
        _ => {}
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of the events at that level.
    fn written(level: tracing::Level, events: &[Event<'_>]) -> Vec<String> {
        let out = Written::default();
        let writer = out.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for event in events {
                PolicyLog.on_event(event);
            }
        });
        let bytes = out.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    const OPENED: Event<'static> = Event::BreakerChanged {
        service: "stock",
        endpoint: "10.0.0.1:80",
        from: "closed",
        to: "open",
        reason: "failure_rate",
        dark: false,
    };
    const RETRIED: Event<'static> = Event::Retried {
        service: "stock",
        attempt: 2,
        reason: "503",
        delay: Duration::from_micros(12_500),
        dark: false,
    };
    const PICKED: Event<'static> = Event::Picked {
        service: "stock",
        endpoint: "10.0.0.1:80",
        attempt: 1,
    };

    #[test]
    fn a_change_of_state_is_written_at_info_and_a_single_calls_fate_at_debug() {
        let events = [OPENED, RETRIED, PICKED];
        let info = written(tracing::Level::INFO, &events);
        assert_eq!(info.len(), 1, "{info:?}");
        assert!(
            info[0].starts_with("INFO msa::policy: breaker changed"),
            "{info:?}"
        );
        for field in ["upstream=\"stock\"", "from=\"closed\"", "to=\"open\""] {
            assert!(info[0].contains(field), "{info:?}");
        }
        let debug = written(tracing::Level::DEBUG, &events);
        assert_eq!(debug.len(), 2, "a pick is not written: {debug:?}");
        assert!(
            debug[1].contains("retried") && debug[1].contains("delay_ms=12.5"),
            "{debug:?}"
        );
    }
}
