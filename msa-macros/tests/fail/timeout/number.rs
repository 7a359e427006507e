use msa_core::prelude::*;

#[timeout(250)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
