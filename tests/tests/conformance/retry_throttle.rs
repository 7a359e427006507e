//! The cases of kind `retry_throttle`: retries with gRPC's tokens for a budget.

use crate::case::{Case, Verdict};

pub(crate) fn run(case: &Case) -> Verdict {
    crate::retry::run(case)
}
