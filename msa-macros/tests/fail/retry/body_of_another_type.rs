use msa_core::prelude::*;

#[retry(3)]
async fn stock() -> Result<u32, Problem> {
    Ok("seven")
}

fn main() {}
