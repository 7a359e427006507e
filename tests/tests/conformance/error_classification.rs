//! The cases of kind `error_classification`.

use crate::case::{Case, Trouble, Verdict};

pub(crate) fn run(case: &Case) -> Verdict {
    Err(Trouble::inexpressible(format!(
        "nothing plays {} yet",
        case.kind
    )))
}
