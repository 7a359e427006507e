use msa_core::prelude::*;

#[retry(max = -1)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
