use msa_core::prelude::*;

#[fallback(value = 3, key = sku)]
async fn stock(sku: u32) -> Result<u32, Problem> {
    Ok(sku)
}

fn main() {}
