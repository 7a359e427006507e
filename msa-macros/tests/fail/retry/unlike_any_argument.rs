use msa_core::prelude::*;

#[retry(color = "red")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
