use msa_core::prelude::*;

#[hedge("50ms", percentile = "95%")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
