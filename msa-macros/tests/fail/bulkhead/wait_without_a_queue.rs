use msa_core::prelude::*;

#[bulkhead(4, max_wait = "10ms")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
