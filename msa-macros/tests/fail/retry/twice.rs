use msa_core::prelude::*;

#[retry(3)]
#[timeout("1s")]
#[retry(4)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
