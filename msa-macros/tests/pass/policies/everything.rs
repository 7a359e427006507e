//! All policy attributes in a crate that allows nothing.

#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::sync::Arc;

use msa_core::prelude::*;
use msa_core::resilience::policy::Refused;

/// What can go wrong.
#[derive(Debug, Clone)]
pub enum StockError {
    /// A policy refused.
    Refused(Arc<Refused>),
    /// There is none.
    Gone,
}

impl From<Refused> for StockError {
    fn from(refused: Refused) -> Self {
        Self::Refused(Arc::new(refused))
    }
}

const POLICY: u32 = 7;

/// All of them.
///
/// # Errors
///
/// None.
#[timeout(total = "2s", attempt = "0.5s")]
#[fallback(with = last_known, stale = "5m", max_bytes = "1MiB")]
#[cached(ttl = "30s", max_entries = 10)]
#[bulkhead(max = 16, queue = 4, max_wait = "50ms")]
#[rate_limit(rate = "100/s", burst = 10, kind = "gcra", max_wait = "10ms")]
#[retry(max = 3, backoff = "25ms", max_backoff = "1s", kind = "equal-jitter", within = "1s", budget = "12.5%", when = is_busy)]
#[hedge(percentile = "99.5%", min_delay = "2ms", max_extra = 2, budget = "1%")]
#[circuit_breaker(
    failure_rate = 0.4,
    min_calls = 10,
    window = "20s",
    consecutive = 9,
    slow_after = "1s",
    slow_rate = "80%",
    open = "5s",
    max_open = "1m 30s",
    trials = 2,
    failure = is_busy
)]
pub async fn stock(sku: u32, region: &str) -> Result<u32, StockError> {
    if region.is_empty() {
        return Err(StockError::Gone);
    }
    Ok(sku + POLICY) // ours, and not the policy's
}

fn last_known(sku: u32, _region: &str, error: StockError) -> Result<u32, StockError> {
    match error {
        StockError::Refused(_) => Ok(sku),
        StockError::Gone => Err(error),
    }
}

fn is_busy(error: &StockError) -> bool {
    matches!(error, StockError::Refused(_))
}

/// A place of things.
#[derive(Debug, Clone)]
pub struct Warehouse<T> {
    things: Vec<T>,
}

impl<T: Display + Clone + Send + Sync + 'static> Warehouse<T> {
    /// The first one.
    ///
    /// # Errors
    ///
    /// There is none.
    #[retry(2, dark)]
    #[circuit_breaker(dark = true)]
    pub(crate) async fn first(&self) -> Result<&T, StockError> {
        self.things.first().ok_or(StockError::Gone)
    }

    /// As text.
    ///
    /// # Errors
    ///
    /// There is none.
    #[fallback(value = String::new())]
    #[cached("1s", key = (number, self.things.len()), single_flight = false)]
    pub async fn shown(&self, number: usize) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let thing = self.things.get(number).ok_or("there is none")?;
        Ok(thing.to_string())
    }

    #[hedge]
    #[timeout("1s", name = "warehouse::sum")]
    async fn sum<I>(&self, numbers: I) -> Result<usize, Problem>
    where
        I: IntoIterator<Item = usize> + Clone + Send + Sync,
        I::IntoIter: Send,
    {
        Ok(numbers.into_iter().sum())
    }
}

/// Handlers.
#[handler]
#[retry(2)]
#[timeout("1s")]
async fn below(State(_app): State<()>, Path(id): Path<u64>) -> Result<String, Problem> {
    Ok(id.to_string())
}

#[retry(2)]
#[handler(timeout = "2s")]
#[timeout("1s")]
async fn between(Path(id): Path<u64>) -> impl IntoResponse {
    id.to_string()
}

#[cached("1s", key = id)]
async fn plain(Path(id): Path<u64>, request: axum::extract::Request) -> Result<String, Problem> {
    Ok(format!("{id} {}", request.uri()))
}

fn is_send(_: &impl Send) {}

fn main() {
    let house = Warehouse { things: vec![1] };
    is_send(&stock(1, "eu"));
    is_send(&house.first());
    is_send(&house.shown(0));
    is_send(&house.sum([1, 2]));
    let _: Router = Router::new()
        .route("/below/{id}", get(below))
        .route("/between/{id}", get(between))
        .route("/plain/{id}", get(plain))
        .with_state(());
}
