//! A question for an endpoint's load, to be asked by who can do I/O.

use std::sync::Arc;

use super::reports::Reports;
use crate::balance::{LoadReport, Slot};
use crate::clock::Instant;
use crate::discovery::Endpoint;

/// A probe that is due: ask the endpoint for something cheap whose answer carries `x-msa-load`, such as `/livez`, and tell what it
/// said. Dropped without a report, the endpoint is not probed again for [`silent_after`](super::PrequalRules::silent_after).
#[derive(Debug)]
#[must_use = "an endpoint whose probe is dropped is not probed again for a while"]
pub struct Probe {
    slot: Arc<Slot>,
    reports: Arc<Reports>,
}

impl Probe {
    pub(super) fn new(slot: Arc<Slot>, reports: Arc<Reports>) -> Self {
        Self { slot, reports }
    }

    /// Whom to ask.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.slot.endpoint()
    }

    /// Tells what it said.
    pub fn report(self, report: LoadReport, now: Instant) {
        self.reports.add(self.slot.id(), report, true, now);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.reports.probe_over();
    }
}
