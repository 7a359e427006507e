use msa_core::prelude::*;

struct Stock;

#[cached("30s")]
async fn stock() -> Result<Stock, Problem> {
    Ok(Stock)
}

fn main() {}
