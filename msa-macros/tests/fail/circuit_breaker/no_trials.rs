use msa_core::prelude::*;

#[circuit_breaker(trials = 0)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
