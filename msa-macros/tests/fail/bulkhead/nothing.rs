use msa_core::prelude::*;

#[bulkhead]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
