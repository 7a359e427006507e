//! A decision, as a note keeps it: what an event tells of a request.

use super::note::micros;
use crate::event::Event;

/// A decision. What is empty or zero does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Said<'b> {
    /// An index of [`DECISIONS`].
    pub(super) kind: u8,
    /// Of which service, or by which policy's key.
    pub(super) service: &'b str,
    pub(super) endpoint: &'b str,
    pub(super) attempt: u32,
    pub(super) reason: &'b str,
    /// What else there is to say: a breaker's new state, how a call fell back, how much a shed request mattered.
    pub(super) detail: &'b str,
    /// In microseconds.
    pub(super) time: u64,
    pub(super) dark: bool,
}

/// The names of decisions, in JSON and in the text; the index is what a page has.
pub(super) const DECISIONS: [&str; 18] = [
    "passed_over",
    "retried",
    "not_retried",
    "hedged",
    "breaker_changed",
    "refused",
    "timed_out",
    "fell_back",
    "coalesced",
    "ejected",
    "returned",
    "draining",
    "panic_mode",
    "shed",
    "fault_injected",
    "loop_refused",
    "header_rejected",
    "cache_hit",
];

/// The decision that an event tells, if it tells one of a request.
pub(super) fn said<'e>(event: &Event<'e>) -> Option<Said<'e>> {
    let mut said = Said::default();
    said.kind = match *event {
        Event::PassedOver {
            service,
            endpoint,
            reason,
        } => {
            (said.service, said.endpoint, said.reason) = (service, endpoint, reason);
            0
        }
        Event::Retried {
            service,
            attempt,
            reason,
            delay,
            dark,
        } => {
            (said.service, said.attempt, said.reason) = (service, attempt, reason);
            (said.time, said.dark) = (micros(delay), dark);
            1
        }
        Event::RetryRefused {
            service,
            attempt,
            why,
        } => {
            (said.service, said.attempt, said.reason) = (service, attempt, why.as_str());
            2
        }
        Event::Hedged {
            service,
            attempt,
            after,
            dark,
        } => {
            (said.service, said.attempt) = (service, attempt);
            (said.time, said.dark) = (micros(after), dark);
            3
        }
        Event::BreakerChanged {
            service,
            endpoint,
            to,
            reason,
            dark,
            ..
        } => {
            (said.service, said.endpoint, said.reason) = (service, endpoint, reason);
            (said.detail, said.dark) = (to, dark);
            4
        }
        Event::Refused {
            service,
            policy,
            dark,
        } => {
            (said.service, said.reason, said.dark) = (service, policy, dark);
            5
        }
        Event::TimedOut {
            service,
            limit,
            after,
        } => {
            (said.service, said.reason, said.time) = (service, limit, micros(after));
            6
        }
        Event::FellBack {
            service,
            how,
            reason,
        } => {
            (said.service, said.reason, said.detail) = (service, reason, how);
            7
        }
        Event::Coalesced { service } => {
            said.service = service;
            8
        }
        Event::Ejected {
            service,
            endpoint,
            reason,
            time,
            dark,
        } => {
            (said.service, said.endpoint, said.reason) = (service, endpoint, reason);
            (said.time, said.dark) = (micros(time), dark);
            9
        }
        Event::Returned { service, endpoint } => {
            (said.service, said.endpoint) = (service, endpoint);
            10
        }
        Event::Draining { service, endpoint } => {
            (said.service, said.endpoint) = (service, endpoint);
            11
        }
        Event::Panicked { service, on } => {
            (said.service, said.reason) = (service, if on { "on" } else { "off" });
            12
        }
        Event::Shed {
            criticality,
            reason,
            dark,
        } => {
            (said.reason, said.detail, said.dark) = (reason, criticality, dark);
            13
        }
        Event::FaultInjected { service, fault } => {
            (said.service, said.reason) = (service, fault);
            14
        }
        Event::LoopRefused { .. } => 15,
        Event::HeaderRejected { header } => {
            said.reason = header;
            16
        }
        Event::CacheHit { service } => {
            said.service = service;
            17
        }
        _ => return None,
    };
    Some(said)
}
