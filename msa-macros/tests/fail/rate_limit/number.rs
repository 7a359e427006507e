use msa_core::prelude::*;

#[rate_limit(100)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
