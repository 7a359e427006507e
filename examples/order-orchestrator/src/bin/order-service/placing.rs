//! Placing an order: claim the key, reserve the stock, write order and answer down together.
//!
//! Each step can be cut off, and each is safe to do again. The order's id is given with the claim, and the stock is
//! reserved under that id: whoever takes an interrupted order over finds the reservation that was made for it. Once the
//! stock is reserved, either order and answer are written in one transaction, or the reservation is put into `releases`
//! in the transaction that says why not.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use msa_core::problem::Problem;
use msa_core::{clock, txn};
use shop::database::{Database, DatabaseError};
use shop::idempotency::IdempotencyKey;
use shop::upstream::Failure;

use crate::claims::{self, Answer, Claim, Standing};
use crate::order::{Order, Wanted};
use crate::orders;
use crate::releases::Releases;
use crate::settings::OrderSettings;

/// How soon a request first looks whether another one under its key is done; twice as long each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Places orders.
#[derive(Debug, Clone)]
pub(crate) struct Placing {
    database: Database,
    releases: Releases,
    max_total_minor: i64,
    lease_ms: i64,
    wait: Duration,
}

/// The answer to give, and whether it was kept from an earlier request.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) answer: Answer,
    pub(crate) replayed: bool,
}

impl Placing {
    pub(crate) fn new(database: Database, releases: Releases, settings: &OrderSettings) -> Self {
        Self {
            database,
            releases,
            max_total_minor: settings.max_total_minor,
            lease_ms: i64::try_from(settings.lease.get().as_millis()).unwrap_or(i64::MAX),
            wait: settings.wait.get(),
        }
    }

    /// Places the order, or answers what was answered to the same request before. Of many at the same time one does the
    /// work and the others wait for its answer.
    pub(crate) async fn place(
        &self,
        key: &IdempotencyKey,
        wanted: Wanted,
    ) -> Result<Placed, Problem> {
        let request = wanted.fingerprint();
        let mut waited = Duration::ZERO;
        let mut pause = FIRST_PAUSE;
        loop {
            let standing =
                claims::claim(&self.database, key, &request, now_ms(), self.lease_ms).await?;
            match standing {
                Standing::Mine(claim) => return self.detached(claim, wanted).await,
                Standing::Answered(answer) => {
                    return Ok(Placed {
                        answer,
                        replayed: true,
                    });
                }
                Standing::OtherRequest => return Err(used_before()),
                Standing::Claimed if waited >= self.wait => return Err(in_progress()),
                Standing::Claimed => {}
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Does the work in a task of its own: a client that goes away in the middle must not leave the order half placed.
    async fn detached(&self, claim: Claim, wanted: Wanted) -> Result<Placed, Problem> {
        let placing = self.clone();
        let work = txn::spawn(async move { placing.work(claim, wanted).await });
        let answer = work.await.map_err(|error| {
            tracing::error!(%error, "placing an order panicked");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        })??;
        Ok(Placed {
            answer,
            replayed: false,
        })
    }

    async fn work(&self, claim: Claim, wanted: Wanted) -> Result<Answer, Problem> {
        let outcome = self.try_to_place(&claim, &wanted).await;
        if outcome.is_err() {
            // If this fails too, the lease ends by itself.
            if let Err(error) = claims::give_back(&self.database, &claim).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a claim stays until its lease ends"
                );
            }
        }
        outcome
    }

    /// `Err` is for what another try may mend; a reasoned no is an answer, and is kept like one.
    async fn try_to_place(&self, claim: &Claim, wanted: &Wanted) -> Result<Answer, Problem> {
        let id = &claim.order_id;
        let lines = match self.releases.stock().reserve(id, &wanted.items).await {
            Ok(lines) => lines,
            Err(Failure::Refused(refusal)) => {
                return Ok(self.refuse(claim, &refusal.pass_on(), false).await?);
            }
            Err(failure) => return Err(failure.into()),
        };
        let placed_at = Timestamp::from_millisecond(now_ms()).unwrap_or_default();
        match Order::new(id.clone(), wanted, lines, self.max_total_minor, placed_at) {
            Ok(order) => Ok(self.keep(claim, &order).await?),
            Err(unsellable) => {
                let problem = Problem::invalid().detail(unsellable.to_string());
                let answer = self.refuse(claim, &problem, true).await?;
                self.releases.send(id).await;
                Ok(answer)
            }
        }
    }

    /// Writes the order and its answer.
    async fn keep(&self, claim: &Claim, order: &Order) -> Result<Answer, DatabaseOrLost> {
        let mut write = self.database.write().await?;
        let answer = Answer {
            status: StatusCode::CREATED.as_u16(),
            body: orders::insert(&mut write, order).await?,
        };
        if !claims::answer(&mut write, claim, &answer).await? {
            return Err(DatabaseOrLost::Lost);
        }
        write.commit().await?;
        Ok(answer)
    }

    /// Writes a no as the answer, and that the stock is to be given back when it was reserved.
    async fn refuse(
        &self,
        claim: &Claim,
        problem: &Problem,
        reserved: bool,
    ) -> Result<Answer, DatabaseOrLost> {
        let answer = Answer {
            status: problem.status().as_u16(),
            body: problem.to_json().to_string(),
        };
        let mut write = self.database.write().await?;
        if !claims::answer(&mut write, claim, &answer).await? {
            return Err(DatabaseOrLost::Lost);
        }
        if reserved {
            Releases::note(&mut write, &claim.order_id).await?;
        }
        write.commit().await?;
        Ok(answer)
    }
}

/// Why an answer could not be written.
#[derive(Debug)]
enum DatabaseOrLost {
    Database(DatabaseError),
    /// The lease ran out, and somebody else works on the order now.
    Lost,
}

impl From<DatabaseError> for DatabaseOrLost {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<DatabaseOrLost> for Problem {
    fn from(error: DatabaseOrLost) -> Self {
        match error {
            DatabaseOrLost::Database(error) => error.into(),
            DatabaseOrLost::Lost => in_progress(),
        }
    }
}

fn now_ms() -> i64 {
    i64::try_from(clock::unix_ms()).unwrap_or(i64::MAX)
}

fn used_before() -> Problem {
    Problem::invalid()
        .title("Idempotency-Key used before")
        .detail("the key stands for another order; use a new one for each order")
}

fn in_progress() -> Problem {
    Problem::new(StatusCode::CONFLICT)
        .title("Order in progress")
        .detail("an order under this Idempotency-Key is being placed; ask again for its answer")
        .retry_after(Duration::from_secs(1))
}
