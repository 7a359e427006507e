use msa_core::prelude::*;

#[timeout("1s", attempt = "2s")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
