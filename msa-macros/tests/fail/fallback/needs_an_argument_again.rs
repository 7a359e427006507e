use msa_core::prelude::*;

struct Sku(u32);

fn other(sku: Sku) -> Result<u32, Problem> {
    Ok(sku.0)
}

#[fallback(with = other)]
async fn stock(sku: Sku) -> Result<u32, Problem> {
    Ok(sku.0)
}

fn main() {}
