use msa_core::prelude::*;

#[retry(when = "busy")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
