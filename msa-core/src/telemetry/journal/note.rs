//! One note: what happened, as it is written into a page and read from it.
//!
//! A note is its time in microseconds since the page was opened, the number of its call (0: of the request as a whole), its kind,
//! and what belongs to the kind.

use std::time::Duration;

use super::bytes::{Put, Take};
use super::said::{Said, said};
use crate::event::{Event, Outcome};

/// One note of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note<'b> {
    /// Microseconds since the page was opened.
    pub(super) at: u64,
    /// Of which call; 0 is the request itself.
    pub(super) call: u32,
    pub(super) what: What<'b>,
}

/// What was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What<'b> {
    CallBegan {
        service: &'b str,
        method: &'b str,
        path: &'b str,
    },
    Picked {
        attempt: u32,
        endpoint: &'b str,
    },
    AttemptEnded {
        attempt: u32,
        endpoint: &'b str,
        took: u64,
        ended: Ended<'b>,
    },
    CallEnded {
        took: u64,
        ended: Ended<'b>,
    },
    Decided(Said<'b>),
}

/// What came of an attempt or of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended<'b> {
    Status(u16),
    Failed(&'b str),
    Cancelled,
}

const CALL_BEGAN: u8 = 0;
const PICKED: u8 = 1;
const ATTEMPT_ENDED: u8 = 2;
const CALL_ENDED: u8 = 3;
/// The first of the decisions.
const DECIDED: u8 = 8;

/// Writes the beginning of a call.
pub(super) fn put_call(
    page: &mut Vec<u8>,
    at: u64,
    call: u32,
    service: &str,
    method: &str,
    path: &str,
) {
    page.put(at);
    page.put(call.into());
    page.push(CALL_BEGAN);
    page.put_text(service);
    page.put_text(method);
    page.put_text(path);
}

/// Writes an event; nothing of one that is of no single request.
pub(super) fn put_event(page: &mut Vec<u8>, at: u64, call: u32, event: &Event<'_>) {
    let mut head = |kind: u8| {
        page.put(at);
        page.put(call.into());
        page.push(kind);
    };
    match *event {
        Event::Picked {
            endpoint, attempt, ..
        } => {
            head(PICKED);
            page.put(attempt.into());
            page.put_text(endpoint);
        }
        Event::AttemptEnded {
            endpoint,
            attempt,
            outcome,
            elapsed,
            ..
        } => {
            head(ATTEMPT_ENDED);
            page.put(attempt.into());
            page.put_text(endpoint);
            page.put(micros(elapsed));
            put_outcome(page, outcome);
        }
        Event::CallEnded {
            outcome, elapsed, ..
        } => {
            head(CALL_ENDED);
            page.put(micros(elapsed));
            put_outcome(page, outcome);
        }
        _ => {
            if let Some(said) = said(event) {
                head(DECIDED.saturating_add(said.kind));
                page.put_text(if call == 0 { said.service } else { "" }); // the call knows it
                page.put_text(said.endpoint);
                page.put(said.attempt.into());
                page.put_text(said.reason);
                page.put_text(said.detail);
                page.put(said.time);
                page.push(said.dark.into());
            }
        }
    }
}

fn put_outcome(page: &mut Vec<u8>, outcome: Outcome<'_>) {
    // Statuses are from 100 on, which leaves the numbers below to other ends.
    match outcome {
        Outcome::Cancelled => page.put(0),
        Outcome::Failed(kind) => {
            page.put(1);
            page.put_text(kind);
        }
        Outcome::Status(status) => page.put(status.into()),
    }
}

fn take_outcome<'b>(page: &mut Take<'b>) -> Option<Ended<'b>> {
    Some(match page.number()? {
        0 => Ended::Cancelled,
        1 => Ended::Failed(page.text()?),
        status => Ended::Status(status.try_into().ok()?),
    })
}

/// Reads one note.
pub(super) fn take<'b>(page: &mut Take<'b>) -> Option<Note<'b>> {
    let (at, call) = (page.number()?, page.small()?);
    let what = match page.byte()? {
        CALL_BEGAN => What::CallBegan {
            service: page.text()?,
            method: page.text()?,
            path: page.text()?,
        },
        PICKED => What::Picked {
            attempt: page.small()?,
            endpoint: page.text()?,
        },
        ATTEMPT_ENDED => What::AttemptEnded {
            attempt: page.small()?,
            endpoint: page.text()?,
            took: page.number()?,
            ended: take_outcome(page)?,
        },
        CALL_ENDED => What::CallEnded {
            took: page.number()?,
            ended: take_outcome(page)?,
        },
        kind => What::Decided(Said {
            kind: kind.checked_sub(DECIDED)?,
            service: page.text()?,
            endpoint: page.text()?,
            attempt: page.small()?,
            reason: page.text()?,
            detail: page.text()?,
            time: page.number()?,
            dark: page.byte()? != 0,
        }),
    };
    Some(Note { at, call, what })
}

pub(super) fn micros(time: Duration) -> u64 {
    time.as_micros().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::said::DECISIONS;
    use super::*;
    use crate::event::RetryRefusal;

    fn written_and_read(event: &Event<'_>, call: u32, check: impl Fn(Option<Note<'_>>)) {
        let mut page = Vec::new();
        put_event(&mut page, 7, call, event);
        let mut rest = Take::new(&page);
        check(take(&mut rest));
        assert_eq!(rest.byte(), None, "{event:?}");
    }

    #[test]
    fn every_decision_of_a_request_is_read_as_it_was_told() {
        let (service, endpoint, reason, dark) = ("stock", "10.0.0.1:80", "503", true);
        let time = Duration::from_millis(12);
        let (attempt, why) = (2, RetryRefusal::Budget);
        let events = [
            Event::PassedOver {
                service,
                endpoint,
                reason,
            },
            Event::Retried {
                service,
                attempt,
                reason,
                delay: time,
                dark,
            },
            Event::RetryRefused {
                service,
                attempt,
                why,
            },
            Event::Hedged {
                service,
                attempt,
                after: time,
                dark,
            },
            Event::BreakerChanged {
                service,
                endpoint,
                from: "closed",
                to: "open",
                reason,
                dark,
            },
            Event::Refused {
                service,
                policy: "bulkhead",
                dark,
            },
            Event::TimedOut {
                service,
                limit: "attempt",
                after: time,
            },
            Event::FellBack {
                service,
                how: "stale",
                reason,
            },
            Event::Coalesced { service },
            Event::Ejected {
                service,
                endpoint,
                reason,
                time,
                dark,
            },
            Event::Returned { service, endpoint },
            Event::Draining { service, endpoint },
            Event::Panicked { service, on: true },
            Event::Shed {
                criticality: "sheddable",
                reason,
                dark,
            },
            Event::FaultInjected {
                service,
                fault: "abort",
            },
            Event::LoopRefused { ltxid: 33 },
            Event::HeaderRejected { header: "x-ltxid" },
            Event::CacheHit { service },
        ];
        for (kind, event) in events.iter().enumerate() {
            written_and_read(event, 0, |note| {
                let note = note.unwrap();
                let expected = said(event).unwrap();
                assert_eq!((note.at, note.call), (7, 0));
                assert_eq!(note.what, What::Decided(expected));
                assert_eq!(usize::from(expected.kind), kind);
            });
        }
        assert_eq!(events.len(), DECISIONS.len());
    }

    #[test]
    fn attempts_and_calls_are_read_with_what_came_of_them() {
        let outcomes = [
            (Outcome::Status(503), Ended::Status(503)),
            (Outcome::Failed("connect"), Ended::Failed("connect")),
            (Outcome::Cancelled, Ended::Cancelled),
        ];
        for (outcome, ended) in outcomes {
            let event = Event::AttemptEnded {
                service: "stock",
                endpoint: "10.0.0.1:80",
                attempt: 2,
                method: "GET",
                outcome,
                elapsed: Duration::from_micros(300),
            };
            let what = What::AttemptEnded {
                attempt: 2,
                endpoint: "10.0.0.1:80",
                took: 300,
                ended,
            };
            written_and_read(&event, 1, |note| {
                assert_eq!(
                    note,
                    Some(Note {
                        at: 7,
                        call: 1,
                        what
                    })
                );
            });
        }
    }

    #[test]
    fn what_is_of_no_request_is_not_written() {
        let event = Event::ConfigReloaded { accepted: true };
        written_and_read(&event, 0, |note| assert_eq!(note, None));
    }
}
