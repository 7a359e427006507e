use msa_core::prelude::*;

#[circuit_breaker(slow_rate = "80%")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
