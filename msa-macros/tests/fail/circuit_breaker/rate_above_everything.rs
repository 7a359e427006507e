use msa_core::prelude::*;

#[circuit_breaker(failure_rate = "150%")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
