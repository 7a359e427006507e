use msa_core::prelude::*;

#[rate_limit("5/s", kind = "sliding")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
