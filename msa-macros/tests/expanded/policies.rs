#[retry(max = 3)]
async fn fetch_stock(sku: String) -> Result<u64, Problem> {
    Ok(sku.len() as u64)
}

impl Offers {
    #[timeout(total = "800ms", attempt = "200ms")]
    #[fallback(stale = "5m", with = Self::none)]
    #[cached(ttl = "1s", key = sku)]
    #[bulkhead(8)]
    #[rate_limit("20/s")]
    #[retry(max = 2, when = is_transient)]
    #[hedge("50ms")]
    #[circuit_breaker(min_calls = 10, open = "1s")]
    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Offer>, CallError> {
        self.catalogue.product(sku).await
    }
}
