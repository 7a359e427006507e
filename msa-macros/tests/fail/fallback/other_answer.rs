use msa_core::prelude::*;

fn other(sku: u32) -> u32 {
    sku
}

#[fallback(with = other)]
async fn stock(sku: u32) -> Result<u32, Problem> {
    Ok(sku)
}

fn main() {}
