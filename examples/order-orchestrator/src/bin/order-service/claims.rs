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
    sqlx::query_as("SELECT request, order_id, lease_until_ms, status, body FROM claims WHERE key = ?")
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
