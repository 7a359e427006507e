use msa_core::prelude::*;

fn is_outage(count: u32) -> bool {
    count > 3
}

#[circuit_breaker(failure = is_outage)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
