use msa_core::prelude::*;

#[retry(3, max = 4)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
