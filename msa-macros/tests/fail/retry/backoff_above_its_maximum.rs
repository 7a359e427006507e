use msa_core::prelude::*;

#[retry(backoff = "2s", max_backoff = "1s")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
