use msa_core::prelude::*;

#[retry(max = 3, backoff = "25 ticks")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
