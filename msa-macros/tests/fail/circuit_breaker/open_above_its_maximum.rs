use msa_core::prelude::*;

#[circuit_breaker(open = "2m", max_open = "1m")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
