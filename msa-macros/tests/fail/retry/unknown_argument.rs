use msa_core::prelude::*;

#[retry(max_retires = 3, backof = "10ms")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
