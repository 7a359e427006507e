//! The outbound stack: everything that a call passes, outermost first.

use http::Extensions;
use reqwest::{Request, Response};

use super::attempt::Attempt;
use super::deadline::Deadline;
use super::record::CallRecord;
use super::resend::Resend;
use super::services::Services;
use super::transport::SendOptions;
use super::{CallErrorKind, CallOptions, body, target};
use crate::balance::PickHint;
use crate::clock;
use crate::config::Size;
use crate::txn::{self, Headers, Txn};

/// Makes one logical call.
pub(super) async fn call(
    services: &Services,
    headers: &Headers,
    mut request: Request,
    extensions: &Extensions,
) -> reqwest_middleware::Result<Response> {
    let mut now = clock::now();
    let options = extensions.get().copied().unwrap_or(CallOptions::new());

    // The transaction: the current one, or a new one that begins with this call.
    let txn = txn::current().unwrap_or_else(|| Txn::begin_at(now));

    // The service: its endpoints, balancer and settings as they are now.
    let service = services
        .find(request.url(), now)
        .map_err(|error| error.with_gtxid(*txn.gtxid()))?;
    let state = service.current(services.shared(), now);
    let limits = state.limits;

    // total deadline: the soonest of the inbound one, the configured one and the builder's own; covers the body
    let own = request.timeout().copied();
    if own.is_some() {
        *request.timeout_mut() = None;
    }
    let deadline = Deadline::of(now, &limits, &options, own, txn.deadline());

    // journal + span: one logical call, parent of its attempts
    let observers = services.shared().observers.clone();
    let mut record = CallRecord::begin(service, txn.next_call(), observers, now);

    // fallback: its place is here

    // bulkhead: its place is here

    // retry / hedge: their place is here; until then only what was never processed is sent again
    let mut resend = Resend::default();
    loop {
        if deadline.has_passed(now) {
            let error = record.name(deadline.error());
            return Err(record.fail(error).into());
        }

        // route: its place is here; until then the subset is the whole service

        // pick: an endpoint not tried yet in this call
        let picked = state
            .balancer
            .pick(&PickHint::avoiding(resend.tried()), now);
        let pick = match picked {
            Some(pick) if !resend.is_pointless_at(pick.endpoint()) => pick,
            picked => {
                drop(picked);
                let none = || record.error(CallErrorKind::NoEndpoint, NO_INSTANCE);
                let error = resend.into_last().unwrap_or_else(none);
                return Err(record.fail(error).into());
            }
        };
        let endpoint = pick.endpoint().clone();

        // breaker: its place is here; it takes its permit for this endpoint or picks again

        // attempt: time limit, headers; injected faults and the attempt's span have their place here
        record.next_attempt();
        let timeout = options
            .get_attempt_timeout()
            .unwrap_or(limits.attempt_timeout);
        let attempt = Attempt::begin(&record, pick, timeout, &deadline, now);
        let logical = match target::point(request.url_mut(), &endpoint) {
            Ok(logical) => logical,
            Err(error) => {
                drop(attempt);
                let error = record.name(error);
                return Err(record.fail(error).into());
            }
        };
        let kept = resend.keep(&mut request, logical);
        let fields = request.headers_mut();
        fields.reserve(OUR_HEADERS);
        target::keep_end_to_end(headers, fields);
        headers.inject(
            record.call(),
            record.attempt(),
            Some(attempt.budget()),
            fields,
        );

        // transport
        let mut send = SendOptions::new(record.service().name(), &state.connection);
        send.attempt = record.attempt();
        send.plain = record.service().is_plain();
        let transport = &services.shared().transport;
        let sent = transport.send(&endpoint, request, &send);
        match attempt.wait(sent).await {
            Ok((response, pick)) => {
                let max = options
                    .get_max_response()
                    .map_or(limits.max_response, Size::get);
                let covers_body = (!options.is_stream()).then_some(deadline);
                return Ok(body::guard(response, record, pick, max, covers_body)?);
            }
            Err(error) => match resend.after(error, kept) {
                Ok(again) => request = again,
                Err(error) => return Err(record.fail(error).into()),
            },
        }
        now = clock::now();
    }
}

/// The transaction's, and what reqwest adds: room for all at once spares the map its growing.
const OUR_HEADERS: usize = 8;

pub(super) const NO_INSTANCE: &str =
    "it has no instance now: discovery knows the name and lists no endpoint for it";
