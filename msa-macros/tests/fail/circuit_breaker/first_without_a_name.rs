use msa_core::prelude::*;

#[circuit_breaker("50%")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
