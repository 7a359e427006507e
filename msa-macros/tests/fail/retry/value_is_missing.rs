use msa_core::prelude::*;

#[retry(max = )]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
