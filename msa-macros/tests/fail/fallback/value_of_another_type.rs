use msa_core::prelude::*;

#[fallback(value = "none")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
