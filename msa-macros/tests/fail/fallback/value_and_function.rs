use msa_core::prelude::*;

async fn other() -> Result<u32, Problem> {
    Ok(7)
}

#[fallback(with = other, value = 3)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
