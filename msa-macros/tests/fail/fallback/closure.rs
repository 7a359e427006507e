use msa_core::prelude::*;

#[fallback(with = || Ok(7))]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
