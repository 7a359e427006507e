//! The face around any `async fn`.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::{Hedge, HedgeDecision};
use crate::clock::{self, Instant};
use crate::event::{Event, Observers};
use crate::resilience::retry::{Ending, Judge, OnErr};
use crate::txn::Txn;

impl Hedge {
    /// Hedges around an idempotent function; `name` is what events call it.
    pub fn around<'a>(&'a self, name: &'a str) -> AroundHedged<'a, OnErr> {
        AroundHedged {
            hedge: self,
            name,
            judge: OnErr,
            observers: None,
            txn: None,
        }
    }
}

/// Hedges around a function: made by [`Hedge::around`].
#[derive(Debug)]
#[must_use = "nothing happens before it is run"]
pub struct AroundHedged<'a, J> {
    hedge: &'a Hedge,
    name: &'a str,
    judge: J,
    observers: Option<&'a Observers>,
    txn: Option<&'a Txn>,
}

/// What comes next.
enum Next<R> {
    /// The attempt of this number ended.
    Ended(u32, R),
    /// The wait is over.
    Due,
}

impl<'a, J> AroundHedged<'a, J> {
    /// Which results win at once: those that are [`Ending::Good`]. Defaults to [`OnErr`]: every `Ok` does.
    pub fn judged_by<K>(self, judge: K) -> AroundHedged<'a, K> {
        AroundHedged {
            hedge: self.hedge,
            name: self.name,
            judge,
            observers: self.observers,
            txn: self.txn,
        }
    }

    /// Who is told. Defaults to nobody.
    pub fn observers(mut self, observers: &'a Observers) -> Self {
        self.observers = Some(observers);
        self
    }

    /// Further attempts are paid from the transaction's budget too. Defaults to no.
    pub fn within(mut self, txn: &'a Txn) -> Self {
        self.txn = Some(txn);
        self
    }

    /// Calls the function, and once more beside it when it takes long. It gets the number of the attempt, from 1. The first good result
    /// is returned, or the last one when none is good; the other attempts are dropped.
    ///
    /// # Errors
    ///
    /// Those of the function.
    pub async fn run<T, E, F, Fut>(self, mut attempt: F) -> Result<T, E>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<(), T, E>,
    {
        let begun = clock::now();
        let mut call = self.hedge.begin(begun);
        let mut first = pin!(attempt(1));
        // Nothing is allocated for a call that needs no second attempt.
        let mut others = None;
        let mut running = Running {
            first: Some(begun),
            others: Vec::new(),
        };
        let mut timer = pin!(call.due().map(tokio::time::sleep_until));
        loop {
            let next = poll_fn(|cx| {
                if running.first.is_some()
                    && let Poll::Ready(result) = first.as_mut().poll(cx)
                {
                    return Poll::Ready(Next::Ended(1, result));
                }
                if let Some(others) = &mut others
                    && let Poll::Ready(Some((number, result))) =
                        FuturesUnordered::poll_next_unpin(others, cx)
                {
                    return Poll::Ready(Next::Ended(number, result));
                }
                match timer.as_mut().as_pin_mut() {
                    Some(timer) => timer.poll(cx).map(|()| Next::Due),
                    None => Poll::Pending,
                }
            })
            .await;
            let now = clock::now();
            match next {
                Next::Ended(number, result) => {
                    let took = |started| now.saturating_duration_since(started);
                    if let Some(started) = running.end(number) {
                        self.hedge.record(took(started), now);
                    }
                    let ending = self.judge.judge(&result, &self.hedge.on);
                    let good = !self.hedge.on.covers(&ending);
                    self.count(&ending, good);
                    if good || running.is_empty() {
                        // The losers took longer than this; that is known of them.
                        running
                            .starts()
                            .for_each(|at| self.hedge.record(took(at), now));
                        return result;
                    }
                }
                Next::Due => {
                    let decision = call.ask(now, self.txn, || true);
                    self.tell(&decision, call.elapsed(now));
                    if let HedgeDecision::Start { attempt: number } = decision {
                        let future = attempt(number);
                        let future = async move { (number, future.await) };
                        others
                            .get_or_insert_with(FuturesUnordered::new)
                            .push(future);
                        running.others.push((number, now));
                    }
                    timer.set(call.due().map(tokio::time::sleep_until));
                }
            }
        }
    }

    fn count(&self, ending: &Ending, good: bool) {
        match good {
            true if *ending == Ending::Good => self.hedge.budget.succeeded(),
            true => {}
            false => self.hedge.budget.failed(),
        }
    }

    fn tell(&self, decision: &HedgeDecision, after: std::time::Duration) {
        let (attempt, dark) = match decision {
            HedgeDecision::Start { attempt } => (*attempt, false),
            HedgeDecision::Dark { attempt } => (*attempt, true),
            HedgeDecision::Refused(_) => return,
        };
        if let Some(observers) = self.observers {
            observers.tell(&Event::Hedged {
                service: self.name,
                attempt,
                after,
                dark,
            });
        }
    }
}

/// When the attempts that run started.
struct Running {
    first: Option<Instant>,
    others: Vec<(u32, Instant)>,
}

impl Running {
    fn end(&mut self, number: u32) -> Option<Instant> {
        if number == 1 {
            return self.first.take();
        }
        let place = self.others.iter().position(|(other, _)| *other == number)?;
        Some(self.others.swap_remove(place).1)
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }

    fn starts(&self) -> impl Iterator<Item = Instant> {
        let others = self.others.iter().map(|(_, started)| *started);
        self.first.into_iter().chain(others)
    }
}
