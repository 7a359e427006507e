use msa_core::prelude::*;

const LIMIT: u64 = 250;

#[timeout(LIMIT)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
