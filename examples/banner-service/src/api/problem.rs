//! How errors are answered: as problem documents of RFC 9457.

use std::time::Duration;

use axum::http::StatusCode;
use msa_core::problem::Problem;

use crate::model::FieldError;
use crate::store::StoreError;

/// 422 with every field of the body that is wrong.
pub(super) fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Problem {
    errors
        .into_iter()
        .fold(Problem::invalid(), |problem, error| {
            problem.field(error.field, error.message)
        })
}

/// 422 with every parameter of the query that is wrong.
pub(super) fn invalid_query(errors: impl IntoIterator<Item = FieldError>) -> Problem {
    let problem = Problem::invalid().title("Invalid query");
    let add = |problem: Problem, error: FieldError| problem.parameter(error.field, error.message);
    errors.into_iter().fold(problem, add)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // Long enough for a lock to pass or a database to restart, short enough to notice.
        const COME_BACK: Duration = Duration::from_secs(1);
        match error {
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            StoreError::Taken(ref placement) => Self::new(StatusCode::CONFLICT)
                .title("Slot taken")
                .detail(error.to_string())
                .with("conflict", placement),
            StoreError::Unavailable(_) | StoreError::NotMigrated => {
                // The reason is for the log: it may tell file names and hosts.
                tracing::warn!(%error, "the database cannot serve a request");
                Self::new(StatusCode::SERVICE_UNAVAILABLE)
                    .detail("the schedule is not available for the moment; try again")
                    .retry_after(COME_BACK)
            }
            StoreError::Url(_) | StoreError::Migration(_) | StoreError::Database(_) => {
                tracing::error!(%error, "a request failed in the database");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}
