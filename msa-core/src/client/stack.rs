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
use super::{CallError, CallErrorKind, CallOptions, body, kept, questions, target};
use crate::clock::{self, Instant};
use crate::config::Size;
use crate::telemetry::traces::CallSpan;
use crate::txn::{self, Headers, Txn};

/// Makes one logical call.
pub(super) async fn call(
    services: &Services,
    headers: &Headers,
    request: Request,
    extensions: &Extensions,
) -> reqwest_middleware::Result<Response> {
    let (mut call, shared) = Call::begin(services, headers, request, extensions)?;

    // fallback: an answer from before; and one answer for identical calls in flight
    match shared {
        None => call.make().await,
        // Boxed, as all that few calls come by: every call would be as large as the largest.
        Some(shared) => Box::pin(call.share(shared)).await,
    }
}

/// The answers that a call may share with others, and what it asks for.
type Shareable = Box<(Answers, Request)>;

/// A call that is made in place: to carry its request from future to future would cost more than much of the rest.
struct Call<'a> {
    /// Until it is sent.
    request: Option<Request>,
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

impl<'a> Call<'a> {
    fn begin(
        services: &'a Services,
        headers: &'a Headers,
        mut request: Request,
        extensions: &'a Extensions,
    ) -> Result<(Self, Option<Shareable>), CallError> {
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

        let answers = state.policies.answers.as_ref();
        let shared = answers.filter(|_| Answers::apply_to(&request, &options));
        let shared = shared.map(|answers| {
            let copy = kept::without_body(&request, request.url().clone());
            Box::new((answers.clone(), copy))
        });
        let call = Self {
            request: Some(request),
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
        Ok((call, shared))
    }

    /// Makes the call, unless another one for the same answer is under way.
    async fn share(mut self, shared: Shareable) -> reqwest_middleware::Result<Response> {
        let (answers, copy) = *shared;
        let asker = Asker {
            service: self.service.name().clone(),
            gtxid: *self.txn.gtxid(),
            deadline: self.deadline,
            observers: &self.services.shared().observers,
        };
        let made = async move {
            // It may have waited for somebody else's call before it makes its own.
            self.now = clock::now();
            self.make().await
        };
        answers.run(&copy, &asker, made).await
    }

    async fn make(&mut self) -> reqwest_middleware::Result<Response> {
        let Self {
            request,
            services,
            headers,
            options,
            choice,
            txn,
            service,
            state,
            deadline,
            now,
        } = self;
        let (services, headers, choice, deadline) = (*services, *headers, *choice, *deadline);
        let Some(asked) = request.as_ref() else {
            return Err(sent_before().into());
        };
        let limits = state.limits;

        // journal + span: one logical call, parent of its attempts
        let Shared {
            observers, traces, ..
        } = services.shared();
        let record = {
            let call = txn.next_call();
            let named = (asked.method(), asked.url());
            let span = CallSpan::begin(traces, &call, service.named(), named, *now);
            let (service, observers) = (service.clone(), observers.clone());
            CallRecord::begin(service, call, span, observers, asked, *now)
        };

        // bulkhead, and what else may stand against the call's beginning
        let class = txn.criticality();
        let mut admission = Admission::default();
        if !admission.is_free(&state.policies) {
            // Boxed, for what waits is large.
            let entered = admission.enter(&state.policies, &record, class, &deadline, now);
            if let Err(error) = Box::pin(entered).await {
                return Err(record.fail(error).into());
            }
        }

        // retry: whether and when the call is tried again
        let mut retry = Retrying::begin(state, asked, options, &deadline, txn, *now);
        let calling = Calling {
            record: &record,
            state,
            timeout: (options.get_attempt_timeout()).unwrap_or(limits.attempt_timeout),
            deadline,
            sensitive: &services.shared().sensitive,
        };
        let mut avoid = ChoiceOptions::avoided(choice);
        let answered = loop {
            if deadline.has_passed(*now) {
                break Err(record.name(deadline.error()));
            }

            // route: its place is here; until then the subset is the whole service

            // pick: an endpoint not tried yet in this call; breaker: its permit, or another endpoint
            let (pick, permit) = match choose(state, &record, choice, &mut avoid, *now) {
                Ok(chosen) => chosen,
                Err(error) => break Err(error),
            };
            retry.started();
            questions::probe(record.service(), state, services.shared(), *now);

            // attempt: time limit, span and headers
            let mut attempt = Attempt::begin(&calling, pick, permit, record.next_attempt(), *now);
            let hedge = state
                .policies
                .hedge
                .as_deref()
                .filter(|_| retry.is_idempotent());
            let asked = request.as_mut().ok_or_else(|| record.name(sent_before()));
            let kept = match asked.and_then(|asked| {
                let logical = target::point(asked.url_mut(), attempt.endpoint());
                let logical = logical.map_err(|error| record.name(error))?;
                let kept = retry.keep(asked, logical, hedge.is_some());
                inject(services.shared(), headers, asked, &attempt, &record);
                Ok(kept)
            }) {
                Ok(kept) => kept,
                Err(error) => break Err(error),
            };

            // transport, after the faults that are injected; hedge: another attempt beside this one
            let hedge = hedge.zip(kept.as_ref().filter(|kept| kept.can_be_copied()));
            let ended = if hedge.is_none() && !state.policies.injects_faults() {
                let way = way(&attempt, &record, state);
                let endpoint = attempt.endpoint().clone();
                let transport = &services.shared().transport;
                let sent = match request.take() {
                    Some(sent) => transport.send(&endpoint, sent, &way),
                    None => break Err(record.name(sent_before())),
                };
                let waited = attempt.wait_for(sent).await;
                attempt.ended(waited)
            } else {
                let Some(sent) = request.take().map(Box::new) else {
                    break Err(record.name(sent_before()));
                };
                let (number, to) = (attempt.number(), attempt.endpoint().clone());
                let sent = Box::pin(send(services, *sent, attempt, &record, state));
                match hedge {
                    None => sent.await,
                    Some((hedge, kept)) => {
                        let hedging = Hedging {
                            services,
                            headers,
                            calling: &calling,
                            choice,
                            txn,
                            hedge,
                            kept,
                        };
                        Box::pin(hedging.race(sent, number, to, &mut avoid, *now)).await
                    }
                }
            };
            *now = ended.now;
            let told = ended.told(&deadline);
            match retry.after(ended, kept, &record, &mut avoid) {
                Next::Over(result) => {
                    admission.settle(told, *now);
                    break result;
                }
                Next::Again(again, delay) => {
                    *request = Some(again);
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                        *now = clock::now();
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
                let state = state.clone();
                let guarded = body::guard(answered, record, state, admission, max, covers_body);
                Ok(guarded?)
            }
            Err(error) => Err(record.fail(error).into()),
        }
    }
}

/// A call is made once, and each of its attempts has a request to send.
#[cold]
fn sent_before() -> CallError {
    CallError::new(CallErrorKind::Invalid, "its request was sent before")
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
    let clean = fields.is_empty();
    if !clean {
        target::keep_end_to_end(headers, fields);
        shared.sensitive.mark(fields);
    }
    let budget = Some(attempt.budget());
    headers.inject(record.call(), attempt.number(), budget, fields);
    let propagation = shared.traces.propagation();
    let service = record.service().name();
    propagation.inject_into(record.call(), attempt.number(), service, fields, clean);
}

/// The transaction's, and what reqwest adds: room for all at once spares the map its growing.
const OUR_HEADERS: usize = 10;

/// How an attempt is sent.
fn way<'a>(attempt: &Attempt<'_>, record: &'a CallRecord, state: &'a Snapshot) -> SendOptions<'a> {
    let mut options = SendOptions::new(record.service().name(), &state.connection);
    options.attempt = attempt.number();
    options.plain = record.service().is_plain();
    options
}

/// Sends it past the faults that are injected, and waits for the response's headers.
pub(super) async fn send(
    services: &Services,
    request: Request,
    attempt: Attempt<'_>,
    record: &CallRecord,
    state: &Snapshot,
) -> Ended {
    let options = way(&attempt, record, state);
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
