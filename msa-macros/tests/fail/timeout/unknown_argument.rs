use msa_core::prelude::*;

#[timeout(totl = "1s")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
