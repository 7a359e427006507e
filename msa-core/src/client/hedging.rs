//! Another attempt beside one that takes long.

use std::future::pending;
use std::pin::{Pin, pin};

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

use super::attempt::{Attempt, Calling, Ended};
use super::choice::{ChoiceOptions, look};
use super::kept::Kept;
use super::services::Services;
use super::stack::{inject, send};
use super::target;
use crate::clock::{self, Instant};
use crate::discovery::Endpoint;
use crate::event::Event;
use crate::resilience::hedge::{Hedge, HedgeCall, HedgeDecision};
use crate::txn::{Headers, Txn};

/// What a call's further attempts need.
pub(super) struct Hedging<'a> {
    pub(super) services: &'a Services,
    pub(super) headers: &'a Headers,
    pub(super) calling: &'a Calling<'a>,
    pub(super) choice: Option<&'a ChoiceOptions>,
    pub(super) txn: &'a Txn,
    pub(super) hedge: &'a Hedge,
    /// What they send.
    pub(super) kept: &'a Kept,
}

type Running<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

impl<'a> Hedging<'a> {
    /// Waits for the first good answer, or for the last one when none is good; the attempts that lost are dropped.
    ///
    /// No further attempt goes where the first went, or to those to `avoid`, which those join that fail before the others end.
    pub(super) async fn race(
        &'a self,
        first: impl Future<Output = Ended> + Send + 'a,
        first_number: u32,
        to: Endpoint,
        avoid: &mut Vec<Endpoint>,
        now: Instant,
    ) -> Ended {
        let mut call = self.hedge.begin(now);
        let mut busy = avoid.clone();
        busy.push(to);
        let mut running = FuturesUnordered::<Running<'a>>::new();
        running.push(Box::pin(first));
        let mut begun = vec![(first_number, now)];
        loop {
            let due = call.due();
            let timer = pin!(async move {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => pending().await,
                }
            });
            let ended = match select(running.next(), timer).await {
                Either::Left((Some(ended), _)) => ended,
                // Never: the last one to end is returned.
                Either::Left((None, _)) => pending().await,
                Either::Right(_) => {
                    let now = clock::now();
                    if let Some((number, another)) = self.another(&mut call, &mut busy, now) {
                        begun.push((number, now));
                        running.push(another);
                    }
                    continue;
                }
            };
            begun.retain(|(number, _)| *number != ended.number);
            self.hedge.record(ended.took, ended.now);
            self.hedge.settled(ended.is_good());
            if ended.is_good() || running.is_empty() {
                // The losers took longer than this; that is known of them.
                for (_, begun) in begun {
                    let took = ended.now.saturating_duration_since(begun);
                    self.hedge.record(took, ended.now);
                }
                return ended;
            }
            if let Some(one) = ended.into_try() {
                avoid.push(one.endpoint.clone());
                self.calling.record.tried(one);
            }
        }
    }

    /// One more attempt, if there is an endpoint that this call does not use yet, and everybody agrees.
    fn another(
        &'a self,
        call: &mut HedgeCall<&Hedge>,
        busy: &mut Vec<Endpoint>,
        now: Instant,
    ) -> Option<(u32, Running<'a>)> {
        let Calling { record, state, .. } = self.calling;
        let used = |endpoint: &Endpoint| busy.iter().any(|one| one.same_instance(endpoint));
        let chosen = look(state, record, self.choice, &mut busy.clone(), now)
            .ok()
            .filter(|(pick, _)| !used(pick.endpoint()));
        let request = self.kept.copy();
        let allowed = || chosen.is_some() && request.is_some();
        let dark = match call.ask(now, Some(self.txn), allowed) {
            HedgeDecision::Start { .. } => false,
            HedgeDecision::Dark { .. } => true,
            HedgeDecision::Refused(_) => return None,
        };
        record.tell(&Event::Hedged {
            service: record.service().name(),
            attempt: record.attempts().saturating_add(1),
            after: call.elapsed(now),
            dark,
        });
        if dark {
            return None;
        }
        let ((pick, permit), mut request) = chosen.zip(request)?;
        busy.push(pick.endpoint().clone());
        let attempt = Attempt::begin(self.calling, pick, permit, record.next_attempt(), now);
        let number = attempt.number();
        target::point(request.url_mut(), attempt.endpoint()).ok()?;
        let shared = self.services.shared();
        inject(shared, self.headers, &mut request, &attempt, record);
        let sent = send(self.services, request, attempt, record, state);
        Some((number, Box::pin(sent)))
    }
}
