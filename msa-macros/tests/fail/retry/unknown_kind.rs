use msa_core::prelude::*;

#[retry(kind = "exponentail")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
