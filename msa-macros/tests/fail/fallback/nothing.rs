use msa_core::prelude::*;

#[fallback]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
