//! The outbound stack: everything that a call passes, outermost first.

use std::sync::Arc;

use http::Extensions;
use reqwest::{Request, Response};

use super::admission::Admission;
use super::answers::{Answers, Asker};
use super::attempt::{Attempt, Calling, Ended};
use super::choice::{ChoiceOptions, choose};
use super::deadline::Deadline;
#[cfg(feature = "fault")]
use super::faulty;
use super::hedging::Hedging;
use super::record::CallRecord;
use super::retry::{Next, Retrying};
use super::service::{Service, Shared, Snapshot};
use super::services::Services;
use super::transport::SendOptions;
use super::{CallOptions, body, kept, questions, target};
use crate::clock::{self, Instant};
use crate::config::Size;
use crate::telemetry::traces::CallSpan;
use crate::txn::{self, Headers, Txn};

/// Makes one logical call.
pub(super) async fn call(
    services: &Services,
    headers: &Headers,
    mut request: Request,
    extensions: &Extensions,
) -> reqwest_middleware::Result<Response> {
    let now = clock::now();
    let options = extensions.get().copied().unwrap_or(CallOptions::new());

    // The transaction: the current one, or a new one that begins with this call.
    let txn = services.noted(txn::current(), now);

    services.shared().traces.sampler().decide(&txn);

    // The service: its endpoints, balancer, policies and settings as they are now.
    let service = services
        .find(request.url(), now)
        .map_err(|error| error.with_gtxid(*txn.gtxid()))?;
    let state = service.current(services.shared(), now);
    questions::follow_health(&service, &state, services.shared());

    // total deadline: the soonest of the inbound one, the configured one and the builder's own; covers the body
    let own = request.timeout().copied();
    if own.is_some() {
        *request.timeout_mut() = None;
    }
    let deadline = Deadline::of(now, &state.limits, &options, own, txn.deadline());

    let answers = state.policies.answers.clone();
    let mut call = Call {
        services,
        headers,
        options,
        choice: extensions.get(),
        txn,
        service,
        state,
        deadline,
        now,
    };

    // fallback: an answer from before; and one answer for identical calls in flight
    match answers.filter(|_| Answers::apply_to(&request, &options)) {
        None => call.make(request).await,
        Some(answers) => {
            let asker = Asker {
                service: call.service.name().clone(),
                gtxid: *call.txn.gtxid(),
                deadline,
                observers: &services.shared().observers,
            };
            let copy = kept::without_body(&request, request.url().clone());
            let made = async move {
                // It may have waited for somebody else's call before it makes its own.
                call.now = clock::now();
                call.make(request).await
            };
            answers.run(&copy, &asker, made).await
        }
    }
}

struct Call<'a> {
    services: &'a Services,
    headers: &'a Headers,
    options: CallOptions,
    choice: Option<&'a ChoiceOptions>,
    txn: Txn,
    service: Arc<Service>,
    state: Arc<Snapshot>,
    deadline: Deadline,
    now: Instant,
}

impl Call<'_> {
    async fn make(self, mut request: Request) -> reqwest_middleware::Result<Response> {
        let Self {
            services,
            headers,
            options,
            choice,
            txn,
            service,
            state,
            deadline,
            mut now,
        } = self;
        let limits = state.limits;

        // journal + span: one logical call, parent of its attempts
        let Shared {
            observers, traces, ..
        } = services.shared();
        let call = txn.next_call();
        let asked = (request.method(), request.url());
        let span = CallSpan::begin(traces, &call, service.named(), asked, now);
        let record = CallRecord::begin(service, call, span, observers.clone(), &request, now);

        // bulkhead, and what else may stand against the call's beginning
        let class = txn.criticality();
        let entered = Admission::enter(&state.policies, &record, class, &deadline, &mut now).await;
        let mut admission = match entered {
            Ok(admission) => admission,
            Err(error) => return Err(record.fail(error).into()),
        };

        // retry: whether and when the call is tried again
        let mut retry = Retrying::begin(&state, &request, &options, &deadline, &txn, now);
        let calling = Calling {
            record: &record,
            state: &state,
            timeout: (options.get_attempt_timeout()).unwrap_or(limits.attempt_timeout),
            deadline,
            sensitive: &services.shared().sensitive,
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
            questions::probe(record.service(), &state, services.shared(), now);

            // attempt: time limit, span and headers
            let attempt = Attempt::begin(&calling, pick, permit, record.next_attempt(), now);
            let logical = match target::point(request.url_mut(), attempt.endpoint()) {
                Ok(logical) => logical,
                Err(error) => break Err(record.name(error)),
            };
            let hedge = state
                .policies
                .hedge
                .as_deref()
                .filter(|_| retry.is_idempotent());
            let kept = retry.keep(&mut request, logical, hedge.is_some());
            inject(services.shared(), headers, &mut request, &attempt, &record);

            // transport, after the faults that are injected; hedge: another attempt beside this one
            let (number, to) = (attempt.number(), attempt.endpoint().clone());
            let sent = send(services, request, attempt, &record, &state);
            let ended = match hedge.zip(kept.as_ref().filter(|kept| kept.can_be_copied())) {
                None => sent.await,
                Some((hedge, kept)) => {
                    let hedging = Hedging {
                        services,
                        headers,
                        calling: &calling,
                        choice,
                        txn: &txn,
                        hedge,
                        kept,
                    };
                    hedging.race(sent, number, to, &mut avoid, now).await
                }
            };
            now = ended.now;
            let told = ended.told(&deadline);
            match retry.after(ended, kept, &record, &mut avoid) {
                Next::Over(result) => {
                    admission.settle(told, now);
                    break result;
                }
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
                let guarded = body::guard(answered, record, state, admission, max, covers_body);
                Ok(guarded?)
            }
            Err(error) => Err(record.fail(error).into()),
        }
    }
}

/// The headers of an attempt.
pub(super) fn inject(
    shared: &Shared,
    headers: &Headers,
    request: &mut Request,
    attempt: &Attempt<'_>,
    record: &CallRecord,
) {
    let fields = request.headers_mut();
    fields.reserve(OUR_HEADERS);
    target::keep_end_to_end(headers, fields);
    shared.sensitive.mark(fields);
    let budget = Some(attempt.budget());
    headers.inject(record.call(), attempt.number(), budget, fields);
    let propagation = shared.traces.propagation();
    propagation.inject(
        record.call(),
        attempt.number(),
        record.service().name(),
        fields,
    );
}

/// The transaction's, and what reqwest adds: room for all at once spares the map its growing.
const OUR_HEADERS: usize = 10;

/// Sends it, and waits for the response's headers.
pub(super) async fn send(
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
    #[cfg(feature = "fault")]
    if let Some(faults) = &state.policies.faults {
        let sent = faulty::send(faults, &**transport, &endpoint, request, &options, record);
        return attempt.wait(sent).await;
    }
    let sent = transport.send(&endpoint, request, &options);
    attempt.wait(sent).await
}

#[cfg(all(test, not(msa_loom), feature = "rate-limit", feature = "fault"))]
mod tests;
