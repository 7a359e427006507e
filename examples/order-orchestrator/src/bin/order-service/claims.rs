//! Who works on which Idempotency-Key, and what came of it.
//!
//! A key goes through few states: *claimed* under a lease, and *answered* for good. A claim whose holder gave it back or
//! died can be taken over; a holder that was only slow finds its lease gone, and may not write any more. Time is Unix
//! milliseconds, since a lease has to outlive the process.

use shop::database::{Database, DatabaseError, Write};
use shop::idempotency::IdempotencyKey;

/// What a key stands for now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The caller's, to work on.
    Mine(Claim),
    /// Somebody works on it.
    Claimed,
    /// Answered.
    Answered(Answer),
    /// Another request came under this key before.
    OtherRequest,
}

/// The right to work on a key's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    key: String,
    pub(crate) order_id: String,
    /// Tells this holder from an earlier one: whoever takes over writes a later end.
    lease_until_ms: i64,
}

/// What was answered: a status and a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// The row of a key: the request, the order's id, the lease's end, and the answer.
type Row = (String, String, i64, Option<u16>, Option<String>);

/// Claims `key` for `request`, unless it is claimed or answered.
pub(crate) async fn claim(
    database: &Database,
    key: &IdempotencyKey,
    request: &str,
    now_ms: i64,
    lease_ms: i64,
) -> Result<Standing, DatabaseError> {
    // Most of those who come while a key is claimed or answered need no lock to see it.
    let seen = row(&database.read().await?, key).await?;
    if let Some(standing) = seen.and_then(|row| standing(row, request, now_ms)) {
        return Ok(standing);
    }
    let mut write = database.write().await?;
    let seen = row(write.connection(), key).await?;
    if let Some(standing) = seen.and_then(|row| standing(row, request, now_ms)) {
        return Ok(standing); // somebody else was faster
    }
    let lease_until_ms = now_ms.saturating_add(lease_ms);
    let (order_id,): (String,) = sqlx::query_as(
        "INSERT INTO claims (key, request, lease_until_ms, claimed_at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE
         SET lease_until_ms = excluded.lease_until_ms, claimed_at_ms = excluded.claimed_at_ms
         RETURNING order_id",
    )
    .bind(key.as_str())
    .bind(request)
    .bind(lease_until_ms)
    .bind(now_ms)
    .fetch_one(write.connection())
    .await?;
    write.commit().await?;
    Ok(Standing::Mine(Claim {
        key: key.as_str().to_owned(),
        order_id,
        lease_until_ms,
    }))
}

/// Writes the answer down; `false`, and nothing may be committed, when the claim is not the caller's any more.
pub(crate) async fn answer(
    write: &mut Write,
    claim: &Claim,
    answer: &Answer,
) -> Result<bool, DatabaseError> {
    let written = sqlx::query(
        "UPDATE claims SET status = ?, body = ?
         WHERE key = ? AND order_id = ? AND lease_until_ms = ? AND status IS NULL",
    )
    .bind(answer.status)
    .bind(&answer.body)
    .bind(&claim.key)
    .bind(&claim.order_id)
    .bind(claim.lease_until_ms)
    .execute(write.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Ends the lease without an answer, so that the next try need not wait for its end.
pub(crate) async fn give_back(database: &Database, claim: &Claim) -> Result<(), DatabaseError> {
    let mut write = database.write().await?;
    sqlx::query("UPDATE claims SET lease_until_ms = 0 WHERE key = ? AND lease_until_ms = ? AND status IS NULL")
        .bind(&claim.key)
        .bind(claim.lease_until_ms)
        .execute(write.connection())
        .await?;
    write.commit().await
}

/// Gives up what was claimed before `before_ms` and is held by nobody: the key is free again, and the stock that may
/// be reserved for it is to be released.
pub(crate) async fn abandon(
    database: &Database,
    now_ms: i64,
    before_ms: i64,
) -> Result<u64, DatabaseError> {
    let mut write = database.write().await?;
    sqlx::query(
        "INSERT INTO releases (order_id) SELECT order_id FROM claims
         WHERE status IS NULL AND lease_until_ms <= ? AND claimed_at_ms < ?
         ON CONFLICT DO NOTHING",
    )
    .bind(now_ms)
    .bind(before_ms)
    .execute(write.connection())
    .await?;
    let abandoned = sqlx::query(
        "DELETE FROM claims WHERE status IS NULL AND lease_until_ms <= ? AND claimed_at_ms < ?",
    )
    .bind(now_ms)
    .bind(before_ms)
    .execute(write.connection())
    .await?;
    write.commit().await?;
    Ok(abandoned.rows_affected())
}

async fn row<'c>(
    connection: impl sqlx::SqliteExecutor<'c>,
    key: &IdempotencyKey,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT request, order_id, lease_until_ms, status, body FROM claims WHERE key = ?",
    )
    .bind(key.as_str())
    .fetch_optional(connection)
    .await
}

/// `None` when the row can be taken over.
fn standing(row: Row, request: &str, now_ms: i64) -> Option<Standing> {
    let (asked, _, lease_until_ms, status, body) = row;
    if asked != request {
        return Some(Standing::OtherRequest);
    }
    if let (Some(status), Some(body)) = (status, body) {
        return Some(Standing::Answered(Answer { status, body }));
    }
    (lease_until_ms > now_ms).then_some(Standing::Claimed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop::database::{DatabaseSettings, SqliteUrl};

    struct Desk {
        database: Database,
        key: IdempotencyKey,
        _dir: tempfile::TempDir,
    }

    impl Desk {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut settings = DatabaseSettings::default();
            settings.url = Some(SqliteUrl::file(&dir.path().join("o.db")));
            Self {
                database: Database::new(&settings, "order-service", crate::MIGRATIONS),
                key: IdempotencyKey::new("k").unwrap(),
                _dir: dir,
            }
        }

        /// Claims at `now_ms` for 100 ms.
        async fn claim(&self, request: &str, now_ms: i64) -> Standing {
            claim(&self.database, &self.key, request, now_ms, 100)
                .await
                .unwrap()
        }

        async fn mine(&self, now_ms: i64) -> Claim {
            match self.claim("r", now_ms).await {
                Standing::Mine(claim) => claim,
                other => panic!("{other:?}"),
            }
        }

        async fn answer(&self, claim: &Claim, status: u16) -> bool {
            let said = Answer {
                status,
                body: "{}".to_owned(),
            };
            let mut write = self.database.write().await.unwrap();
            let written = answer(&mut write, claim, &said).await.unwrap();
            write.commit().await.unwrap();
            written
        }

        async fn releases(&self) -> Vec<String> {
            let pool = self.database.read().await.unwrap();
            sqlx::query_scalar("SELECT order_id FROM releases")
                .fetch_all(&pool)
                .await
                .unwrap()
        }
    }

    #[tokio::test]
    async fn a_claimed_key_is_nobody_elses_until_its_lease_ends() {
        let desk = Desk::new();
        let first = desk.mine(0).await;
        assert_eq!(desk.claim("r", 99).await, Standing::Claimed);
        let second = desk.mine(100).await;
        assert_eq!(
            second.order_id, first.order_id,
            "the reservation is found again"
        );
    }

    #[tokio::test]
    async fn a_slow_holder_cannot_answer_after_a_takeover() {
        let desk = Desk::new();
        let slow = desk.mine(0).await;
        let next = desk.mine(100).await;
        assert!(!desk.answer(&slow, 201).await);
        assert!(desk.answer(&next, 201).await);
        assert!(!desk.answer(&next, 500).await, "an answer is for good");
        let Standing::Answered(kept) = desk.claim("r", 1_000_000).await else {
            panic!()
        };
        assert_eq!(kept.status, 201);
    }

    #[tokio::test]
    async fn another_request_under_the_key_is_told_so_at_every_stage() {
        let desk = Desk::new();
        let claim = desk.mine(0).await;
        assert_eq!(desk.claim("other", 1).await, Standing::OtherRequest);
        assert!(desk.answer(&claim, 201).await);
        assert_eq!(desk.claim("other", 2).await, Standing::OtherRequest);
    }

    #[tokio::test]
    async fn what_was_given_back_can_be_claimed_at_once() {
        let desk = Desk::new();
        let claim = desk.mine(0).await;
        give_back(&desk.database, &claim).await.unwrap();
        desk.mine(1).await;
    }

    #[tokio::test]
    async fn what_nobody_holds_any_more_is_abandoned_and_its_stock_released() {
        let desk = Desk::new();
        let claim = desk.mine(0).await;
        for (now_ms, before_ms) in [(99, 50), (200, 0)] {
            let abandoned = abandon(&desk.database, now_ms, before_ms).await.unwrap();
            assert_eq!(abandoned, 0, "held, or too young");
        }
        assert_eq!(abandon(&desk.database, 200, 50).await.unwrap(), 1);
        assert_eq!(desk.releases().await, [claim.order_id.as_str()]);
        assert!(
            !desk.answer(&claim, 201).await,
            "and it can only begin anew"
        );
        assert_ne!(desk.mine(201).await.order_id, claim.order_id);
    }

    #[tokio::test]
    async fn of_a_hundred_at_the_same_time_one_gets_the_claim() {
        let desk = std::sync::Arc::new(Desk::new());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let desk = desk.clone();
            tasks.spawn(async move { desk.claim("r", 0).await });
        }
        let standings = tasks.join_all().await;
        let mine = standings
            .iter()
            .filter(|standing| matches!(standing, Standing::Mine(_)));
        assert_eq!(mine.count(), 1);
    }
}
