use msa_core::prelude::*;

#[cached]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
