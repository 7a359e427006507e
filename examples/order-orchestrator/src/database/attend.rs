//! A database as a part of a service's life.

use msa_core::Service;

use super::Database;

/// Opens and migrates the database now if it can be, tells readiness how it is, and closes it after the drain.
///
/// A database that is not there yet does not keep the service from starting: restarting would not bring it.
pub async fn attend(service: Service, database: &Database) -> Service {
    if let Err(error) = database.migrate().await {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "the database is not there yet; it is tried again");
    }
    let checked = database.clone();
    service.health().readiness("database", move || {
        let database = checked.clone();
        async move { database.check().await }
    });
    let closed = database.clone();
    service.on_shutdown(async move || closed.close().await)
}
