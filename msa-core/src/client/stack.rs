//! The outbound stack: everything that a call passes, outermost first.

use http::Extensions;
use reqwest::{Request, Response};

use super::attempt::{Attempt, Calling, Ended};
use super::choice::{ChoiceOptions, choose};
use super::deadline::Deadline;
use super::record::CallRecord;
use super::retry::{Next, Retrying};
use super::service::Snapshot;
use super::services::Services;
use super::transport::SendOptions;
use super::{CallOptions, body, target};
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
    let choice = extensions.get::<ChoiceOptions>();

    // The transaction: the current one, or a new one that begins with this call.
    let txn = txn::current().unwrap_or_else(|| Txn::begin_at(now));

    // The service: its endpoints, balancer, policies and settings as they are now.
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
    let record = CallRecord::begin(service, txn.next_call(), observers, now);

    // fallback: its place is here

    // bulkhead: its place is here

    // retry: whether and when the call is tried again
    let mut retry = Retrying::begin(&state, &request, &options, &deadline, &txn, now);
    let calling = Calling {
        record: &record,
        state: &state,
        timeout: (options.get_attempt_timeout()).unwrap_or(limits.attempt_timeout),
        deadline,
    };
    let mut avoid = ChoiceOptions::avoided(choice);
    let answered = loop {
        if deadline.has_passed(now) {
            break Err(record.name(deadline.error()));
        }

        // route: its place is here; until then the subset is the whole service

        // pick: an endpoint not tried yet in this call; breaker: its permit, or another endpoint
        let (pick, permit) = match choose(&state, &record, choice, &mut avoid, now) {
            Ok(chosen) => chosen,
            Err(error) => break Err(error),
        };

        retry.started();

        // attempt: time limit, headers; injected faults and the attempt's span have their place here
        let attempt = Attempt::begin(&calling, pick, permit, record.next_attempt(), now);
        let logical = match target::point(request.url_mut(), attempt.endpoint()) {
            Ok(logical) => logical,
            Err(error) => break Err(record.name(error)),
        };
        let kept = retry.keep(&mut request, logical);
        inject(headers, &mut request, &attempt, &record);

        // transport
        let ended = send(services, request, attempt, &record, &state).await;
        now = ended.now;
        match retry.after(ended, kept, &record, &mut avoid) {
            Next::Over(result) => break result,
            Next::Again(again, delay) => {
                request = again;
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                    now = clock::now();
                }
            }
        }
    };
    drop(retry);
    match answered {
        Ok(answered) => {
            let max = options
                .get_max_response()
                .map_or(limits.max_response, Size::get);
            let covers_body = (!options.is_stream()).then_some(deadline);
            Ok(body::guard(answered, record, state, max, covers_body)?)
        }
        Err(error) => Err(record.fail(error).into()),
    }
}

/// The headers of an attempt.
pub(super) fn inject(
    headers: &Headers,
    request: &mut Request,
    attempt: &Attempt<'_>,
    record: &CallRecord,
) {
    let fields = request.headers_mut();
    fields.reserve(OUR_HEADERS);
    target::keep_end_to_end(headers, fields);
    let budget = Some(attempt.budget());
    headers.inject(record.call(), attempt.number(), budget, fields);
}

/// The transaction's, and what reqwest adds: room for all at once spares the map its growing.
const OUR_HEADERS: usize = 8;

/// Sends it, and waits for the response's headers.
async fn send(
    services: &Services,
    request: Request,
    attempt: Attempt<'_>,
    record: &CallRecord,
    state: &Snapshot,
) -> Ended {
    let mut options = SendOptions::new(record.service().name(), &state.connection);
    options.attempt = attempt.number();
    options.plain = record.service().is_plain();
    let endpoint = attempt.endpoint().clone();
    let transport = &services.shared().transport;
    let sent = transport.send(&endpoint, request, &options);
    attempt.wait(sent).await
}
