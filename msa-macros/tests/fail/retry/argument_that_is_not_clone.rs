use msa_core::prelude::*;

struct Sku(u32);

#[retry(3)]
async fn stock(region: String, sku: Sku) -> Result<u32, Problem> {
    drop(region);
    Ok(sku.0)
}

fn main() {}
