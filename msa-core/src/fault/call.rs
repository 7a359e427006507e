//! Faults of calls: what the outbound stack does before the transport.

use http::{HeaderMap, StatusCode};
use tokio::time::sleep;

use super::{End, Faults, Plan};
use crate::event::{Event, Observers};

/// A call that ends by a fault on purpose, before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Injected {
    /// It is answered with this status, by nobody.
    #[error("a fault on purpose: answered {0} without being sent")]
    Abort(StatusCode),
    /// Its connection is lost.
    #[error("a fault on purpose: the connection is lost")]
    Reset,
}

/// What is left to do to a call's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Struck {
    /// Its body comes at so many bytes a second: see [`SlowBody`](super::SlowBody).
    pub slow_body: Option<u64>,
}

impl Faults {
    /// Does to a call what is decided: waits, ends it, or says what its answer must suffer. Tells the observers.
    ///
    /// To be called where the attempt's time limit counts already, so that a delay can run into it.
    ///
    /// # Errors
    ///
    /// [`Injected`] when the call must not be sent.
    pub async fn strike(
        &self,
        service: &str,
        path: &str,
        headers: &HeaderMap,
        observers: &Observers,
    ) -> Result<Struck, Injected> {
        let plan = self.decide(None, path, headers);
        if plan.is_none() {
            return Ok(Struck::default());
        }
        tell(&plan, service, observers);
        plan.suffer().await
    }
}

impl Plan {
    /// Waits, ends the call, or says what its answer must suffer.
    pub(crate) async fn suffer(self) -> Result<Struck, Injected> {
        if let Some(delay) = self.delay {
            sleep(delay).await;
        }
        match self.end {
            Some(End::Abort(status)) => Err(Injected::Abort(status)),
            Some(End::Reset) => Err(Injected::Reset),
            None => Ok(Struck {
                slow_body: self.slow_body,
            }),
        }
    }
}

/// One event a fault; a slow body only when there will be an answer.
pub(crate) fn tell(plan: &Plan, service: &str, observers: &Observers) {
    let end = match plan.end {
        Some(End::Abort(_)) => Some("abort"),
        Some(End::Reset) => Some("reset"),
        None => plan.slow_body.map(|_| "slow_body"),
    };
    for fault in [plan.delay.map(|_| "delay"), end].into_iter().flatten() {
        observers.tell(&Event::FaultInjected { service, fault });
    }
}
