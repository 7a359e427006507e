//! Whether a request may run, and for how long.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::Refusal;
use crate::clock::Instant;
use crate::event::Event;
use crate::problem::Problem;
use crate::server::inbound::Inbound;
use crate::txn::{self, Ltxid, Txn};

/// Refuses a transaction that runs in a loop (508) or came after its deadline (504).
#[inline]
pub(crate) fn check(inbound: &Inbound, txn: &Txn) -> Result<(), Refusal> {
    if txn.ltxid().get() > inbound.max_hops {
        return Err(Box::new(
            too_many_hops(inbound, txn.ltxid()).into_response(),
        ));
    }
    // What passes from now on is for the handler's timer.
    match (txn.deadline(), txn.received()) {
        (Some(deadline), Some(received)) if deadline <= received => {
            Err(Box::new(too_late(txn).into_response()))
        }
        _ => Ok(()),
    }
}

#[cold]
fn too_many_hops(inbound: &Inbound, ltxid: Ltxid) -> Problem {
    inbound.observers.tell(&Event::LoopRefused {
        ltxid: ltxid.get().into(),
    });
    Problem::new(StatusCode::LOOP_DETECTED)
        .title("Too many hops")
        .detail(format!(
            "the transaction has crossed {ltxid} servers, more than the {} allowed: look for services that call each \
             other in a circle, or raise txn.max_hops",
            inbound.max_hops
        ))
        .never_retry()
}

/// The answer to the request whose transaction this task runs in.
#[cold]
fn late_answer() -> Response {
    let problem = txn::with_current(too_late);
    problem
        .unwrap_or_else(|| Problem::new(StatusCode::GATEWAY_TIMEOUT))
        .into_response()
}

#[cold]
fn too_late(txn: &Txn) -> Problem {
    let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT).title("Deadline exceeded");
    let Some((allowed, by_caller)) = txn.allowance() else {
        return problem;
    };
    let allowed = humantime::format_duration(allowed);
    problem.detail(if by_caller {
        format!("the request was not answered within the {allowed} that its caller waits (x-txn-timeout-ms or the like)")
    } else {
        format!("the request was not answered within {allowed}, which server.request_timeout allows")
    })
}

pin_project! {
    /// The time that a handler has.
    pub(crate) struct Deadline {
        at: Option<Instant>,
        // Made when the handler is waited for at all: most are ready at once.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Deadline {
    #[inline]
    pub(crate) fn of(txn: &Txn) -> Self {
        Self {
            at: txn.deadline(),
            sleep: None,
        }
    }

    /// The answer 504 once the time is over. Asked only while the handler is not ready.
    pub(crate) fn poll_over(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut this = self.project();
        if let (Some(at), None) = (*this.at, this.sleep.as_ref().as_pin_ref()) {
            this.sleep.set(Some(sleep_until(at)));
        }
        match this.sleep.as_pin_mut().map(|sleep| sleep.poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(late_answer()),
            _ => Poll::Pending,
        }
    }
}
