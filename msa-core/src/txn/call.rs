//! One outgoing call of a transaction.

use super::{Branch, Gtxid, Ltxid, SpanContext, Txn};

/// One outgoing logical call of a transaction; its attempts share it.
#[derive(Debug, Clone)]
pub struct Call {
    txn: Txn,
    branch: Branch,
    number: u32,
    span: SpanContext,
}

impl Call {
    /// The `number`-th call of this service's part of the transaction, whose span is `span` without a decision about its sampling.
    pub(super) fn new(txn: &Txn, number: u32, span: SpanContext) -> Self {
        Self {
            branch: txn.branch().child(number),
            number,
            span,
            txn: txn.clone(),
        }
    }

    /// The transaction that makes the call.
    #[must_use]
    pub fn txn(&self) -> &Txn {
        &self.txn
    }

    /// The global id.
    #[must_use]
    pub fn gtxid(&self) -> &Gtxid {
        self.txn.gtxid()
    }

    /// The hop at the called service: one more than here.
    #[must_use]
    pub fn ltxid(&self) -> Ltxid {
        self.txn.ltxid().next()
    }

    /// Which call of its service's part of the transaction this is, from 1: the last number of its branch.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The name of this call among all of the transaction.
    #[must_use]
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The span of the call, below its transaction's: parent of its attempts' spans.
    #[must_use]
    pub fn span(&self) -> SpanContext {
        self.span.sampled(self.txn.span().is_sampled())
    }

    /// The span of one attempt, from 1: what the called service is told as its parent.
    #[must_use]
    pub fn attempt_span(&self, attempt: u32) -> SpanContext {
        self.span().below(attempt.into())
    }
}
