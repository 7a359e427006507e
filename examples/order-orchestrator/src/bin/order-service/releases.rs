//! Stock that is to be given back, until product-service has said yes.

use std::time::Duration;

use msa_core::clock;
use shop::database::{Database, DatabaseError, Write};
use shop::upstream::Failure;

use crate::claims;
use crate::settings::OrderSettings;
use crate::stock::Stock;

/// How many are sent in one sweep: the rest has time until the next.
const BATCH: u32 = 100;

/// The list of what is to be given back.
#[derive(Debug, Clone)]
pub(crate) struct Releases {
    database: Database,
    stock: Stock,
}

impl Releases {
    pub(crate) fn new(database: Database, stock: Stock) -> Self {
        Self { database, stock }
    }

    pub(crate) fn stock(&self) -> &Stock {
        &self.stock
    }

    /// Puts an order's reservation on the list, together with whatever else `write` says.
    pub(crate) async fn note(write: &mut Write, order_id: &str) -> Result<(), DatabaseError> {
        sqlx::query("INSERT INTO releases (order_id) VALUES (?) ON CONFLICT DO NOTHING")
            .bind(order_id)
            .execute(write.connection())
            .await?;
        Ok(())
    }

    /// Gives one back now, and takes it from the list. What fails stays there for the next sweep.
    pub(crate) async fn send(&self, order_id: &str) {
        match self.stock.release(order_id).await {
            Ok(()) => {
                if let Err(error) = self.strike(order_id).await {
                    tracing::warn!(
                        order_id,
                        error = &error as &dyn std::error::Error,
                        "released, but still listed"
                    );
                }
            }
            Err(Failure::Failed(problem)) => tracing::warn!(order_id, %problem, "not released yet"),
            Err(Failure::Refused(refusal)) => {
                tracing::error!(order_id, status = %refusal.status, "the release is refused");
            }
        }
    }

    /// Sweeps now and then for as long as the process lives: gives up what was left half placed, and sends what is listed.
    pub(crate) fn sweep(self, settings: &OrderSettings) {
        let abandon_after = settings.abandon_after.get();
        let pause = settings.sweep_interval.get().max(Duration::from_millis(10));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                if let Err(error) = self.sweep_once(abandon_after).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot look for stock to release"
                    );
                }
            }
        });
    }

    async fn sweep_once(&self, abandon_after: Duration) -> Result<(), DatabaseError> {
        let now_ms = i64::try_from(clock::unix_ms()).unwrap_or(i64::MAX);
        let age_ms = i64::try_from(abandon_after.as_millis()).unwrap_or(i64::MAX);
        let abandoned =
            claims::abandon(&self.database, now_ms, now_ms.saturating_sub(age_ms)).await?;
        if abandoned > 0 {
            tracing::warn!(abandoned, "orders were left half placed, and are given up");
        }
        let query = sqlx::query_scalar("SELECT order_id FROM releases LIMIT ?").bind(BATCH);
        let listed: Vec<String> = query.fetch_all(&self.database.read().await?).await?;
        for order_id in listed {
            self.send(&order_id).await;
        }
        Ok(())
    }

    async fn strike(&self, order_id: &str) -> Result<(), DatabaseError> {
        let mut write = self.database.write().await?;
        sqlx::query("DELETE FROM releases WHERE order_id = ?")
            .bind(order_id)
            .execute(write.connection())
            .await?;
        write.commit().await
    }
}
