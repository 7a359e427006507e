use msa_core::prelude::*;

#[hedge(percentile = "20%")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
