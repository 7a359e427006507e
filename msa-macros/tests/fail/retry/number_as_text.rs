use msa_core::prelude::*;

#[retry(max = "3")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
