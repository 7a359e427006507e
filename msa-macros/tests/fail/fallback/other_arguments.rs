use msa_core::prelude::*;

async fn other(sku: u32) -> Result<u32, Problem> {
    Ok(sku)
}

#[fallback(with = other)]
async fn stock(sku: String) -> Result<u32, Problem> {
    sku.parse().map_err(|_| Problem::invalid())
}

fn main() {}
