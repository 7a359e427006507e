//! A crate that calls msa-core by another name.

use dependable::prelude::*;

/// All policies.
///
/// # Errors
///
/// A policy refuses.
#[timeout("1s")]
#[fallback(value = 0, stale = "1m")]
#[cached("1s")]
#[bulkhead(8)]
#[dependable::rate_limit("100/s")]
#[retry(max = 1, when = dependable::attribute::Transient)]
#[hedge("500ms")]
#[circuit_breaker(failure_rate = "50%")]
pub async fn stock(sku: u32) -> Result<u32, Problem> {
    Ok(sku)
}

/// A handler.
#[handler(timeout = "1s")]
#[dependable::retry(1)]
pub async fn greet(Path(id): Path<u64>) -> Result<String, Problem> {
    Ok(format!("Hello, {id}"))
}

/// A client.
#[service_client(name = "user-service")]
pub trait UserApi {
    /// A user's name.
    #[get("/users/{id}")]
    async fn name(&self, id: u64) -> Result<String, CallError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_attributes_find_it() {
        assert_eq!(stock(7).await.ok(), Some(7));
        let _: Router = Router::new().route("/{id}", get(greet));
    }
}
