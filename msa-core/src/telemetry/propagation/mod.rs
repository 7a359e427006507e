//! The headers in which a trace goes from service to service.
//!
//! W3C Trace Context (level 2) and W3C Baggage by default, B3 in one header or several where
//! [`telemetry.propagation`](crate::config::TelemetrySettings::propagation) or `OTEL_PROPAGATORS` names it. All of it works without any
//! tracing backend, and is always there: a service that exports nothing does not cut the trace of those around it.
//!
//! | format | headers | of a request | of a call |
//! | --- | --- | --- | --- |
//! | `tracecontext` | `traceparent`, `tracestate` | read to the letter: two `traceparent` are none, a list with a broken member is none | the attempt's span, its flags, and the list as it came |
//! | `b3` | `b3` | 64-bit and 128-bit ids, `d` as sampled, no decision as ours to make | 128-bit ids with the decision |
//! | `b3multi` | `x-b3-traceid`, `x-b3-spanid`, `x-b3-parentspanid`, `x-b3-sampled`, `x-b3-flags` | the same | the same, without parent and flags |
//! | `baggage` | `baggage` | at most 64 members and 8192 bytes | to the services that `telemetry.baggage` names |
//!
//! A request from a peer that [`txn.trust`](crate::txn::Trust) does not believe begins a trace of its own.
//!
//! ```
//! use msa_core::telemetry::propagation::Propagation;
//! use msa_core::txn::{Headers, Txn};
//!
//! let mut received = http::HeaderMap::new();
//! received.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
//! let (headers, propagation) = (Headers::default(), Propagation::default());
//!
//! let mut incoming = headers.extract(&received);
//! propagation.extract(&received, &mut incoming);
//! assert_eq!(incoming.gtxid.unwrap().as_str(), "4bf92f3577b34da6a3ce929d0e0e4736");
//!
//! let txn = Txn::from_incoming(&incoming, || unreachable!(), None, msa_core::clock::now());
//! let mut sent = http::HeaderMap::new();
//! propagation.inject(&txn.next_call(), 1, "user-service", &mut sent);
//! let sent = sent["traceparent"].to_str().unwrap();
//! assert!(sent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && sent.ends_with("-01"));
//! ```

mod allow;
mod b3;
#[cfg(test)]
mod tests;

use http::{HeaderMap, HeaderName, HeaderValue};

use allow::Allowed;
use b3::B3;

use crate::config::{PropagationFormat, TelemetrySettings};
use crate::txn::{Baggage, Call, Gtxid, Incoming, TraceState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Which headers are read from requests and written to calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Propagation {
    /// The formats of traces, in the order in which they are looked for.
    formats: Vec<Format>,
    baggage: Option<Allowed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    TraceContext,
    B3(B3),
}

impl Default for Propagation {
    /// That of the default settings: W3C Trace Context and Baggage, the latter sent to nobody.
    fn default() -> Self {
        Self::new(&TelemetrySettings::default())
    }
}

impl Propagation {
    /// What `telemetry.propagation` and `telemetry.baggage` say.
    #[must_use]
    pub fn new(settings: &TelemetrySettings) -> Self {
        let mut formats = Vec::new();
        let mut baggage = None;
        for name in &settings.propagation {
            let format = match name {
                PropagationFormat::TraceContext => Format::TraceContext,
                PropagationFormat::B3 => Format::B3(B3::Single),
                PropagationFormat::B3Multi => Format::B3(B3::Multi),
                PropagationFormat::Baggage => {
                    baggage = Some(Allowed::by(&settings.baggage));
                    continue;
                }
                PropagationFormat::None => continue,
            };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        Self { formats, baggage }
    }

    /// Reads a request's headers, after [`Headers::extract`](crate::txn::Headers::extract) has: a trace that only they carry lends its id
    /// to a request that has no GTXID.
    pub fn extract(&self, headers: &HeaderMap, incoming: &mut Incoming) {
        let w3c = incoming.trace.take();
        incoming.sampled = None;
        for format in &self.formats {
            match format {
                Format::TraceContext => {
                    incoming.trace = w3c;
                    incoming.sampled = w3c.map(|caller| caller.is_sampled());
                    incoming.state = w3c.and_then(|_| state(headers));
                }
                Format::B3(b3) => {
                    let Some(found) = b3.read(headers) else {
                        continue;
                    };
                    incoming.trace = found.span;
                    incoming.sampled = found.sampled;
                }
            }
            if incoming.trace.is_some() || incoming.sampled.is_some() {
                break;
            }
        }
        if let (None, Some(caller)) = (incoming.gtxid, incoming.trace) {
            incoming.gtxid = Some(Gtxid::from_u128(caller.trace_id()));
        }
        if self.baggage.is_some() && headers.contains_key(BAGGAGE) {
            incoming.baggage = Some(Baggage::from_headers(headers.get_all(BAGGAGE)));
        }
    }

    /// Writes the headers of a call's attempt to this service over whatever stood there.
    pub fn inject(&self, call: &Call, attempt: u32, service: &str, headers: &mut HeaderMap) {
        self.inject_into(call, attempt, service, headers, false);
    }

    /// The same; `clean` says that the program itself wrote no header, so that there is nothing to take away.
    #[inline]
    pub(crate) fn inject_into(
        &self,
        call: &Call,
        attempt: u32,
        service: &str,
        headers: &mut HeaderMap,
        clean: bool,
    ) {
        let span = call.attempt_span(attempt);
        for format in &self.formats {
            match format {
                Format::TraceContext => {
                    // Digits and dashes are legal in a header.
                    if let Ok(value) = HeaderValue::from_bytes(&span.to_traceparent()) {
                        headers.insert(TRACEPARENT, value);
                    }
                    match call.txn().trace_state() {
                        Some(state) => {
                            headers.insert(TRACESTATE, state.header_value().clone());
                        }
                        None if clean => {}
                        None => {
                            headers.remove(TRACESTATE);
                        }
                    }
                }
                Format::B3(b3) => b3.write(span, headers),
            }
        }
        let Some(allowed) = &self.baggage else { return };
        let value = call.txn().baggage().and_then(|baggage| {
            let to_all = allowed.sends_all(service);
            baggage.header_value(|key| to_all || allowed.sends(key, service))
        });
        match value {
            Some(value) => {
                headers.insert(BAGGAGE, value);
            }
            // What a program wrote there by hand goes no further than what it set in the transaction.
            None if !clean && !allowed.sends_all(service) => {
                headers.remove(BAGGAGE);
            }
            None => {}
        }
    }

    /// The names of the headers that are written, `baggage` apart.
    #[cfg(test)]
    fn names(&self) -> Vec<&'static str> {
        self.formats
            .iter()
            .flat_map(|format| match format {
                Format::TraceContext => ["traceparent", "tracestate"].as_slice(),
                Format::B3(b3) => b3.names(),
            })
            .copied()
            .collect()
    }
}

fn state(headers: &HeaderMap) -> Option<TraceState> {
    TraceState::from_headers(headers.get_all(TRACESTATE))
}
