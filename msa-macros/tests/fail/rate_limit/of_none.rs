use msa_core::prelude::*;

#[rate_limit("0/s")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
