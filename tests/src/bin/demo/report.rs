//! What is known of an order in the end.

use msa_tests::{AccessLine, Cluster};
use serde::Serialize;
use serde_json::Value;

use crate::orders::{Explained, Placed};

/// An order and the calls it took.
#[derive(Debug, Serialize)]
pub(crate) struct Order {
    pub(crate) title: &'static str,
    pub(crate) gtxid: String,
    /// What order-orchestrator logged of its own answer.
    pub(crate) status: Option<u16>,
    pub(crate) calls: Vec<Call>,
    /// What the client got, which no log tells.
    pub(crate) answer: Value,
    /// What the management listener told of the first one while the services ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explained: Option<Explained>,
}

/// One call, as the service that answered it logged it.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) service: String,
    pub(crate) ltxid: u32,
    pub(crate) branch: String,
    pub(crate) method: String,
    pub(crate) route: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) ms: f64,
}

impl Order {
    pub(crate) fn new(placed: Placed, explained: Option<Explained>, cluster: &Cluster) -> Self {
        let lines = cluster.transaction(&placed.gtxid);
        let calls: Vec<_> = lines.into_iter().map(Call::from).collect();
        Self {
            title: placed.title,
            gtxid: placed.gtxid,
            status: calls.first().and_then(|call| call.status),
            calls,
            answer: placed.answer,
            explained,
        }
    }
}

impl From<AccessLine> for Call {
    fn from(line: AccessLine) -> Self {
        Self {
            service: line.service,
            ltxid: line.ltxid,
            branch: line.branch,
            method: line.method,
            route: line.route,
            status: line.status,
            ms: line.ms,
        }
    }
}
